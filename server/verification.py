"""``POST /api/verify``: is a claim what the articles say?"""

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from answerer.verifying import Kind, Verdict, verify
from prompts import differs_note, nearby_note
from retriever import HITS, Scope, analyse_question
from server import schemas
from server.engine import Engine
from server.presentation import citation_document

LONGEST_CLAIM = 300  # characters: one sentence

ClaimText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CLAIM),
    Field(
        description="One claim, in any Chinese script",
        examples=["重庆2025年的汽车产量接近250万辆。"],
        json_schema_extra={"pattern": r"\S"},
    ),
]


class VerifyRequest(schemas.Filtered):
    """A claim; the filters may be left out."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"claim": "闻泰科技计划向荷兰政府索赔90亿美元。"}]}
    )

    claim: ClaimText


class ComparedBody(BaseModel):
    """One thing of the claim beside what the first sentence says of it."""

    kind: Annotated[Kind, Field(description="`direction`: rise or fall, buy or sell, said or denied")]
    claimed: Annotated[str, Field(description="As the claim has it; names are folded", examples=["90亿美元"])]
    found: Annotated[
        str, Field(description="As the article has it; empty: it has nothing of it", examples=["80億美元"])
    ]
    state: Annotated[Literal["same", "differs", "missing"], Field(description="How the two compare")]


class VerifyBody(BaseModel):
    """A verdict on a claim with the sentences that it rests on; of `not_found` the nearest ones, if any is near."""

    verdict: Annotated[
        Verdict, Field(description="`contradicted`: an article says it with another figure, date, name or direction")
    ]
    sentences: Annotated[
        list[schemas.CitationBody], Field(description="Best first; `score` is the share of the claim that it covers")
    ]
    checked: Annotated[list[ComparedBody], Field(description="What was compared with the first of the sentences")]
    notes: Annotated[list[str], Field(description="What a reader should know, in the claim's script")]
    timings_ms: Annotated[
        dict[str, float],
        Field(
            description="Wall-clock milliseconds of each stage",
            examples=[{"retrieve": 4.0, "verify": 40.0, "total": 44.0}],
        ),
    ]
    index: schemas.IndexId


def verify_router(engine: Engine) -> APIRouter:
    """The endpoint."""
    router = APIRouter(prefix="/api", tags=["answers"])

    @router.post("/verify", response_model=VerifyBody)
    def check(request: VerifyRequest) -> Response:
        """Compare a claim with the articles: its figures, dates, names and directions beside theirs."""
        return JSONResponse(verification_document(engine, request.claim, request.scope))

    return router


def verification_document(engine: Engine, claim: str, scope: Scope) -> dict[str, Any]:
    """The verdict on a claim as the endpoint shows it."""
    began = time.perf_counter()
    retriever = engine.answerer.retriever
    question = analyse_question(claim)
    hits = retriever.retrieve(question, HITS, scope)
    found = time.perf_counter()
    result = verify(claim, hits)
    ended = time.perf_counter()
    notes = [differs_note(question.script)] if result.differs else []
    if result.verdict == "not_found" and result.sentences:
        notes.append(nearby_note(question.script))
    timings = {"retrieve": found - began, "verify": ended - found, "total": ended - began}
    return {
        "verdict": result.verdict,
        "sentences": [citation_document(citation) for citation in result.sentences],
        "checked": [
            {
                "kind": one.kind,
                "claimed": one.claimed,
                "found": one.found,
                "state": "same" if one.agrees else "differs" if one.found else "missing",
            }
            for one in result.checked
        ],
        "notes": notes,
        "timings_ms": {stage: round(seconds * 1000, 2) for stage, seconds in timings.items()},
        "index": retriever.snapshot.id,
    }
