"""The headers that every answer carries, pages, problems and pictures alike."""

from flask import Flask, Response, request

ONE_YEAR = 365 * 24 * 3600
HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self' 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Over https the forms are checked by their referrer, too, which stays on this site.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# The description's page is a script of our own package, with a few lines of its configuration inline; it holds no
# cookie's page and no form.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def register(app: Flask, base_url: str) -> None:
    """An answer that set one of these itself knows better."""
    secure = base_url.startswith("https://")
    strict = {"Strict-Transport-Security": f"max-age={ONE_YEAR}; includeSubDomains"} if secure else {}
    every = [(name.lower(), (name, value)) for name, value in (HEADERS | strict).items()]

    @app.after_request
    def protect(answer: Response) -> Response:
        if request.blueprint == "swagger_ui":
            answer.headers.setdefault("Content-Security-Policy", DOCS_POLICY)
        known = {name.lower() for name, _ in answer.headers}
        answer.headers.extend(header for name, header in every if name not in known)
        return answer
