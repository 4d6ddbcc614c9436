"""How Sphinx makes the site of these pages: ``make docs``."""

import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

project = "cns_ros"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo" if find_spec("furo") else "alabaster"
html_title = "cns_ros"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
# The anchors that code hosts make of headings, which links may name.
myst_heading_anchors = 4
# A block without a language is a shell's or a program's output.
highlight_language = "none"
autodoc_member_order = "bysource"
# Shapes and units stand in the docstrings; the annotations of arrays would drown them.
autodoc_typehints = "none"
napoleon_attr_annotations = False
napoleon_custom_sections = [("Attributes", "params_style")]  # several names in one line


def setup(app):
    """Keep Napoleon from taking a property's words before a colon for its type."""
    app.connect("autodoc-process-docstring", _begin_with_nothing, priority=400)


def _begin_with_nothing(app, what, name, obj, options, lines):
    if what == "property":
        lines.insert(0, "\\ ")  # an escaped space is none
