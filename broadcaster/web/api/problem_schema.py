"""Every operation's problems in the OpenAPI document. They are alike for all of them, so each route need not say so."""

from typing import Any

from broadcaster.web.problems import KINDS, MEDIA_TYPE

COMPONENT = "#/components/schemas/Problem"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `type` leads to what it means; `errors` lists each thing.",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {"detail": {"type": "string"}, "pointer": {"type": "string"}},
            },
        },
    },
}
EVERYWHERE = (401, 403, 404, 405, 409, 413, 422, 429, 503)
HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: {"Retry-After": {"schema": {"type": "integer"}}},
}


def documented(document: dict[str, Any]) -> dict[str, Any]:
    """With what can go wrong in each operation, instead of FastAPI's own form of it."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(own, None)
    schemas["Problem"] = SCHEMA
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"] |= {str(status): _response(status) for status in EVERYWHERE}
    return document


def _response(status: int) -> dict[str, Any]:
    titles = [kind.title for kind in KINDS if kind.status == status] or ["Not with this method"]
    made: dict[str, Any] = {
        "description": "; or: ".join(titles),
        "content": {MEDIA_TYPE: {"schema": {"$ref": COMPONENT}}},
    }
    return {**made, "headers": HEADERS[status]} if status in HEADERS else made
