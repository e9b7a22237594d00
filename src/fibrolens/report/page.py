"""The templates of the pages: one HTML file each, nothing loaded from elsewhere."""

from __future__ import annotations

from typing import Any


def render_page(template: str, **content: Any) -> str:
    """A page from its template; what the template names must be in `content`.

    Args:
        template: file in ``report/templates``.
        content: what it shows, escaped where it is text.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  (only reports need it)

    environment = Environment(
        loader=PackageLoader("fibrolens", "report/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**content)
