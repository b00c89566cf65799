"""Which articles are searched."""

from dataclasses import dataclass

from indexer.articles import Article


@dataclass(frozen=True, slots=True)
class Scope:
    """Articles of one industry, from one source, and of a time, each if given.

    ``since`` and ``until`` are the first and the last day (``2025-09-30``); with either, articles without a date are
    left out.
    """

    industry: str | None = None
    source: str | None = None
    since: str | None = None
    until: str | None = None

    def holds(self, article: Article) -> bool:
        """Is the article one of them?"""
        if self.industry not in {None, article.industry} or self.source not in {None, article.source}:
            return False
        if self.since is None and self.until is None:
            return True
        return bool(article.date) and (self.since or "") <= article.date <= (self.until or article.date)


EVERYWHERE = Scope()
