"""The frame of the drawings of boxes and arrows."""


def drawing(width, height, drawn):
    """The text of an SVG file with the elements ``drawn``; ``#tip`` is the tip of an arrow."""
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#777"/></marker></defs>',
    ]
    return "\n".join([*head, *drawn, "</svg>"]) + "\n"
