"""Draws what to try while the demo keeps serving: addresses, tokens, and commands to paste.

Owns these words. Shows tokens only on a terminal, because piped output may end up in files.
"""

import json
from collections.abc import Mapping
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from client.environment import World, local_now
from demo.cast import CHILD_NAMES, PLAYERS, Twin, Who
from demo.stage import Stage
from demo.troupe import Troupe

HIDDEN = "<token>"


def invitation(stage: Stage, troupe: Troupe, *, shows_tokens: bool) -> RenderableType:
    """Draws the address, a token for each member, and commands that read, write, and open the envelope."""
    family = f"{stage.base_url}/v1/families/{troupe.phones[Who.ADA].identity.family}"
    lines: list[RenderableType] = [
        Rule(style="bright_black"),
        Text.assemble("Still open at ", (stage.base_url, "bold"), f"   (OpenAPI: {stage.base_url}/schema/openapi.json)"),
        Text(),
    ]
    for who, phone in troupe.phones.items():
        lines.append(Text(f"  {PLAYERS[who].name:<8}{phone.identity.token if shows_tokens else HIDDEN}"))
    if not shows_tokens:
        lines.append(Text("  Tokens are shown on a terminal alone.", style="bright_black"))
    shown = {who: phone.identity.token if shows_tokens else HIDDEN for who, phone in troupe.phones.items()}
    ada, ben, sami = shown[Who.ADA], shown[Who.BEN], shown[Who.SITTER]
    mia, name = troupe.child_by_twin[Twin.MIA], CHILD_NAMES[Twin.MIA]
    note = {"type": "NoteWritten", "child": str(mia), "text": f"{name} laughs at the terminal."}
    commands = (
        ("Ben's timeline", f"curl -s -H 'Authorization: Bearer {ben}' '{family}/timeline'"),
        ("Ada's feed", f"curl -s -H 'Authorization: Bearer {ada}' '{family}/feed?after=0&limit=5'"),
        ("What Ben is told, as it happens", f"curl -sN -H 'Authorization: Bearer {ben}' '{family}/live?after=0'"),
        ("What Sami is asked to keep quiet", f"curl -s -H 'Authorization: Bearer {sami}' '{family}/handover'"),
        ("Ada writes", _push(ada, family, note)),
        (
            "Ben opens the envelope: what waited comes at once, at the end of his feed",
            _push(ben, family, {"type": "EnvelopeOpened", "scope": "all"}),
        ),
        (
            "Ben waits for stacking and scribbling, too",
            _push(ben, family, {"type": "SurpriseChosen", "scope": "domain:hands", "mode": "keep"}),
        ),
    )
    for title, command in commands:
        lines += [Text(), Text(title, style="bold"), Text(command)]
    kept = f"The data stays in {stage.data}." if stage.is_kept else "This year is gone afterwards; --data DIR would keep it."
    lines += [Text(), Text(f"Control-C ends it. {kept}", style="bright_black")]
    return Group(*lines)


def _push(token: str, family: str, event: Mapping[str, str]) -> str:
    """Returns a command that pushes an event. The draft has an id, so a command that is run twice records one event."""
    now = local_now()
    body = {
        "sent_at": now.isoformat(),
        "drafts": [
            {
                "id": str(World().draft_id()),
                "occurred_at": (now - timedelta(minutes=5)).isoformat(),
                "precision": "minute",
                "recorded_at": now.isoformat(),
                "event": event,
            }
        ],
    }
    return (
        f"curl -s -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' "
        f"-d '{json.dumps(body)}' '{family}/events'"
    )
