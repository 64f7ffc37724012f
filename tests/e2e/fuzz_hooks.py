"""What schemathesis cannot know: which ids there are. Most of the time one that is Ada's, else one made up."""

import json
import os
from typing import Any

import schemathesis

KNOWN: dict[str, str] = json.loads(os.environ.get("KNOWN_IDS", "{}"))


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    for name, value in (path_parameters or {}).items():
        made_up = str(value)
        # Of a check-in the phone makes its own: one that is there would be an edit each time.
        if name in KNOWN and made_up[-1:] in "01234567abcd" and path_parameters is not None:
            path_parameters[name] = KNOWN[name]
    return path_parameters
