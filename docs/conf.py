"""The site that `make docs` builds from these pages.

Sphinx with MyST, because it reads Markdown as GitHub does, takes a link that leads nowhere for an error, and is two packages of
Debian: installed in seconds, and of the same version for the life of the release. mdBook would have to be compiled, for
minutes on a fresh machine, and mkdocs reads another Markdown, in which many of these lists would be paragraphs.
"""

import pathlib

from sphinx import addnodes

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


def file_of_the_tree(app, env, node, contnode):
    """What a link to Markdown outside of docs/ leads to, such as the README of a folder: the file as it is."""
    path = pathlib.Path(env.doc2path(node["refdoc"])).parent / node["reftarget"]
    if not path.is_file():
        return None
    link = addnodes.download_reference(reftarget=node["reftarget"], filename=env.dlfiles.add_file(node["refdoc"], str(path)))
    link += contnode
    return link


def setup(app):
    app.connect("missing-reference", file_of_the_tree)
