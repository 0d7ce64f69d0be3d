"""Removes markup from a note: HTML tags, HTML entities and Markdown marks.

Owns the decision which parts of a page are visible text. Knows no language. The words of a note without markup stay unchanged.
HTML is unescaped at most twice, and each step reads the text once, so the work is bounded.
"""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Final

UNPACKED_MAX: Final = 2
"""Number of times that HTML is unescaped. One time is not enough, because some systems escape HTML twice (&lt;p&gt;)."""
TAG: Final = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>|<!--", re.IGNORECASE)
ENTITY: Final = re.compile(r"&(?:[a-z]{2,10}|#\d{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE)
MARKDOWN: Final = re.compile(r"\*\*|__|~~|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)|^ {0,3}#{1,6} +", re.MULTILINE)
LINE_ELEMENTS: Final = frozenset(
    {
        "p",
        "div",
        "br",
        "li",
        "ul",
        "ol",
        "tr",
        "td",
        "th",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "section",
        "article",
    }
)
HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
HIDDEN: Final = frozenset({"style", "script", "head", "title"})
SPACES: Final = re.compile(r"[^\S\n]+")


def plain(text: str) -> str:
    """Returns the visible text of a note. The text of an HTML element that a browser shows on its own line is a separate line."""
    for _ in range(UNPACKED_MAX):
        if TAG.search(text):
            text = _without_tags(text)
        elif ENTITY.search(text):
            text = unescape(text)
        else:
            break
    return SPACES.sub(" ", MARKDOWN.sub("", text)) if text else text


def _without_tags(text: str) -> str:
    reader = _VisibleText()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts)


class _VisibleText(HTMLParser):
    """A parser that collects the text that a browser would show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in HIDDEN
        if tag in LINE_ELEMENTS:
            self.parts.append("\n- " if tag == "li" else "\n\n" if tag in HEADINGS else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN and self._hidden:
            self._hidden -= 1
        if tag in HEADINGS:
            self.parts.append(":\n")  # `sections` finds a heading by its colon
        elif tag in LINE_ELEMENTS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(SPACES.sub(" ", data.replace("\n", " ")))
