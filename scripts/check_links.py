"""Whether each link of a built site that leads into it leads to a page, and to a place on it, that is there.

    check_links.py SITE [--without FOLDER ...]

Reads the pages at the top of the site, which people wrote; what programs made below, the references, is only led to. FOLDER
was not built, so nothing is said of links to it.
"""

import argparse
import functools
import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    """Where a page leads, and the places it has."""

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.links: list[str] = []
        self.places = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("id", "name"):
                self.places.add(value)
            elif name in ("href", "src"):
                self.links.append(value)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("site", type=pathlib.Path)
    arguments.add_argument("--without", action="append", default=[])
    given = arguments.parse_args()
    site = given.site.resolve()
    page = functools.cache(Page)

    broken = []
    for path in sorted(site.glob("*.html")):
        for link in page(path).links:
            url = urllib.parse.urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / urllib.parse.unquote(url.path)).resolve() if url.path else path
            if any(target.is_relative_to(site / folder) for folder in given.without):
                continue
            if not target.is_file():
                broken.append(f"{path.name}: there is no {link}")
            elif target.suffix == ".html" and urllib.parse.unquote(url.fragment) not in page(target).places:
                broken.append(f"{path.name}: there is no such place: {link}")
    print("\n".join(broken), file=sys.stderr, end="\n" if broken else "")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
