"""One system of ``eval.bench``, in a process and an environment of its own: index, ask, print one JSON line.

    python bench_system.py NAME FOLDER

FOLDER holds ``documents.json`` (texts), ``questions.json`` (``[question, [numbers of right documents]]``) and
``encoder/`` (the built-in encoder as a sentence-transformers model, which takes folded texts). So the other systems are
given folded texts, already of one script; Yewen gets ``original-….json`` and folds them itself. Each is set up as its
documentation shows, with jieba's words for BM25. This file runs without Yewen, whose imports stand in its own function.
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

K = 10
Search = Callable[[str], list[int]]
Built = tuple[float, Search]  # when building began, and what finds the numbers of the K best documents


def words(text: str) -> list[str]:
    """Jieba's words, without white space."""
    return [word for word in import_module("jieba").lcut(text) if word.strip()]


def reciprocal_ranks(*orders: Iterable[int]) -> list[int]:
    """Reciprocal-rank fusion (Cormack et al. 2009)."""
    scores: dict[int, float] = {}
    for order in orders:
        for rank, number in enumerate(order):
            scores[number] = scores.get(number, 0.0) + 1 / (60 + rank)
    return sorted(scores, key=lambda number: -scores[number])[:K]


def langchain(documents: Sequence[str], encoder: str) -> Built:
    """FAISS and BM25 in an ensemble retriever."""
    embeddings = import_module("langchain_huggingface").HuggingFaceEmbeddings(model_name=encoder)
    embeddings.embed_query("熱身")
    began = time.perf_counter()
    document = import_module("langchain_core.documents").Document
    texts = [document(page_content=text, metadata={"number": number}) for number, text in enumerate(documents)]
    store = import_module("langchain_community.vectorstores").FAISS.from_documents(texts, embeddings)
    lexical = import_module("langchain_community.retrievers").BM25Retriever
    bm25 = lexical.from_documents(texts, preprocess_func=words, k=K)
    ensemble = import_module("langchain_classic.retrievers").EnsembleRetriever
    both = ensemble(retrievers=[bm25, store.as_retriever(search_kwargs={"k": K})], weights=[0.5, 0.5])
    return began, lambda question: [found.metadata["number"] for found in both.invoke(question)][:K]


def llamaindex(documents: Sequence[str], encoder: str) -> Built:
    """FAISS and BM25, fused by reciprocal ranks as its QueryFusionRetriever does it, without its language model."""
    core, schema = import_module("llama_index.core"), import_module("llama_index.core.schema")
    model = import_module("sentence_transformers").SentenceTransformer(encoder)
    base: Any = import_module("llama_index.core.embeddings").BaseEmbedding

    class Embedding(base):  # type: ignore[misc]
        """The encoder; LlamaIndex's own class cannot load a static one."""

        def _get_query_embedding(self, query: str) -> list[float]:
            return list(map(float, model.encode(query)))

        def _get_text_embedding(self, text: str) -> list[float]:
            return list(map(float, model.encode(text)))

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return [list(map(float, row)) for row in model.encode(texts, batch_size=256)]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    embedding = Embedding(embed_batch_size=256)
    dimension = len(embedding.get_text_embedding("熱身"))
    began = time.perf_counter()
    store = import_module("llama_index.vector_stores.faiss").FaissVectorStore(
        import_module("faiss").IndexFlatIP(dimension)
    )
    nodes = [schema.TextNode(id_=str(number), text=text) for number, text in enumerate(documents)]
    index = core.VectorStoreIndex(
        nodes, storage_context=core.StorageContext.from_defaults(vector_store=store), embed_model=embedding
    )
    spaced = [schema.TextNode(id_=str(number), text=" ".join(words(text))) for number, text in enumerate(documents)]
    bm25 = import_module("llama_index.retrievers.bm25").BM25Retriever.from_defaults(
        nodes=spaced,
        similarity_top_k=K,
        skip_stemming=True,
        token_pattern=r"(?u)\S+",  # noqa: S106
    )
    dense = index.as_retriever(similarity_top_k=K)

    def search(question: str) -> list[int]:
        near = [int(found.node.node_id) for found in dense.retrieve(question)]
        return reciprocal_ranks(near, [int(found.node.node_id) for found in bm25.retrieve(" ".join(words(question)))])

    return began, search


def haystack(documents: Sequence[str], encoder: str) -> Built:
    """The in-memory store's BM25 and embeddings, fused by reciprocal ranks as its DocumentJoiner does it."""
    model = import_module("sentence_transformers").SentenceTransformer(encoder)
    model.encode(["熱身"])
    began = time.perf_counter()
    store = import_module("haystack.document_stores.in_memory").InMemoryDocumentStore(
        bm25_tokenization_regex=r"(?u)\S+", embedding_similarity_function="cosine"
    )
    document = import_module("haystack").Document
    vectors = model.encode(list(documents), batch_size=256)
    store.write_documents(
        [
            document(id=str(number), content=" ".join(words(text)), embedding=list(map(float, vector)))
            for number, (text, vector) in enumerate(zip(documents, vectors, strict=True))
        ]
    )

    def search(question: str) -> list[int]:
        near = store.embedding_retrieval(list(map(float, model.encode(question))), top_k=K)
        lexical = store.bm25_retrieval(" ".join(words(question)), top_k=K)
        return reciprocal_ranks((int(found.id) for found in near), (int(found.id) for found in lexical))

    return began, search


def txtai(documents: Sequence[str], encoder: str) -> Built:
    """Its hybrid index."""
    index = import_module("txtai").Embeddings(path=encoder, method="sentence-transformers", hybrid=True)
    began = time.perf_counter()
    index.index((number, " ".join(words(text)), None) for number, text in enumerate(documents))
    return began, lambda question: [int(number) for number, _ in index.search(" ".join(words(question)), K)]


def yewen(documents: Sequence[str], encoder: str) -> Built:
    """Yewen's fused search, with its built-in encoder."""
    return _yewen(documents, reranked=False)


def yewen_reranked(documents: Sequence[str], encoder: str) -> Built:
    """The same, and the passages put in order by the reader: what its endpoint gives."""
    return _yewen(documents, reranked=True)


def _yewen(documents: Sequence[str], *, reranked: bool) -> Built:
    from answerer.reader import REFUSE_BELOW, load_reader
    from answerer.respond import Answerer
    from indexer.articles import Article
    from indexer.build import build_index
    from indexer.encoder import BUILT_IN, load_encoder
    from indexer.snapshot import open_snapshot
    from retriever import Retriever, analyse_question

    encoder = load_encoder(BUILT_IN)
    encoder.encode_queries(["熱身"])
    analyse_question("熱身")
    articles = [Article(str(number), "", text, "", "") for number, text in enumerate(documents)]
    folder = tempfile.TemporaryDirectory()
    began = time.perf_counter()
    build_index(Path(folder.name), articles, encoder)
    retriever = Retriever(open_snapshot(Path(folder.name)), encoder)
    answerer = Answerer(retriever, load_reader(), REFUSE_BELOW)

    def search(question: str, held: object = folder) -> list[int]:  # the index lasts as long as the search
        analysed = analyse_question(question)
        hits = answerer.search(analysed, 4 * K) if reranked else retriever.retrieve(analysed, 4 * K)
        return [int(id) for id in dict.fromkeys(hit.article.id for hit in hits)][:K]

    return began, search


SYSTEMS: dict[str, Callable[[Sequence[str], str], Built]] = {
    "langchain": langchain,
    "llamaindex": llamaindex,
    "haystack": haystack,
    "txtai": txtai,
    "yewen": yewen,
    "yewen-reranked": yewen_reranked,
}


def measure(name: str, folder: Path) -> dict[str, float]:
    """Build, ask every question once, and give the figures; the first search belongs to building."""
    which = "original-" if name.startswith("yewen") else ""
    documents = json.loads((folder / f"{which}documents.json").read_text(encoding="utf-8"))
    questions = json.loads((folder / f"{which}questions.json").read_text(encoding="utf-8"))
    began, search = SYSTEMS[name](documents, str(folder / "encoder"))
    search(questions[0][0])
    build_s = time.perf_counter() - began
    times, first, among = [], 0, 0
    for question, right in questions:
        asked = time.perf_counter()
        found = search(question)
        times.append((time.perf_counter() - asked) * 1000)
        first += bool(found) and found[0] in right
        among += any(number in right for number in found[:5])
    times.sort()
    return {
        "build_s": build_s,
        "p50_ms": times[len(times) // 2],
        "p95_ms": times[int(len(times) * 0.95)],
        "r@1": first / len(questions),
        "r@5": among / len(questions),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024),
    }


if __name__ == "__main__":
    os.environ |= {"TOKENIZERS_PARALLELISM": "true", "HF_HUB_OFFLINE": "1"}
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
