"""The site that `make docs` builds from these pages.

Sphinx with MyST, because it reads Markdown as GitHub does, takes a link that leads nowhere for an error, and is two packages of
Debian: installed in seconds, and of the same version for the life of the release. mdBook would have to be compiled, for
minutes on a fresh machine, and mkdocs reads another Markdown, in which many of these lists would be paragraphs.
"""

project = "realm-ingest"
copyright = "the authors of realm-ingest, Apache-2.0"
extensions = ["myst_parser"]
exclude_patterns = ["reference"]

# Links to headings, by the names that GitHub gives them.
myst_heading_anchors = 4

html_theme = "alabaster"
html_theme_options = {"description": "Data Ingest, self-hosted", "page_width": "1100px", "sidebar_width": "260px"}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_copy_source = False
html_show_sphinx = False
