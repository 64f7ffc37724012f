"""A text as a QR code, for a camera."""

import segno

MODULE_PIXELS = 4


def draw_qr(text: str) -> str:
    """SVG to put into a page; black on white whatever the page's colours, for a camera needs that."""
    code = segno.make(text, error="m", micro=False)
    drawn: str = code.svg_inline(scale=MODULE_PIXELS, dark="#000", light="#fff", svgclass=None, lineclass=None)
    return drawn
