"""Tests that the examples of docs/webhooks.md run, and that they verify real deliveries."""

import base64
import os
import re
import subprocess
import time as wall
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.webhooks import attempt, retry_policy, sender, shapes
from tests.service.webhooks.conftest import Home, poll_and_finish
from tests.service.webhooks.receiving import Frame

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


async def test_the_python_of_the_page_verifies_what_was_sent(
    home: Home, frame: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's example, which uses no code of the service, accepts a real delivery, and refuses a changed body or secret."""
    hook = await home.hook(frame.url())
    await poll_and_finish(home.sender())
    sent = frame.deliveries[0]
    (python,) = blocks("python")
    read: dict[str, Any] = {}
    exec(compile(python, "webhooks.md", "exec"), read)
    verify = read["is_from_stillnew"]
    assert verify(hook.secret, sent.headers, sent.body)
    assert not verify(hook.secret, sent.headers, sent.body + b" ")
    assert not verify("whsec_" + base64.b64encode(b"another").decode(), sent.headers, sent.body)
    both = sent.headers | {"webhook-signature": "v1,AAAA " + sent.headers["webhook-signature"]}
    assert verify(hook.secret, both, sent.body)
    later = wall.time() + 400
    monkeypatch.setattr(wall, "time", lambda: later)
    assert not verify(hook.secret, sent.headers, sent.body)


def printed_by(shell: str, folder: Path, given: dict[str, str]) -> str:
    """Runs a shell script in a folder with the given variables, and returns its output."""
    run = subprocess.run(
        ["sh", "-c", shell], cwd=folder, check=True, capture_output=True, text=True, env={"PATH": os.environ["PATH"], **given}
    )
    return run.stdout.strip()


@pytest.mark.needs("openssl")
async def test_the_shell_of_the_page_signs_as_we_do(home: Home, frame: Frame, tmp_path: Path) -> None:
    hook = await home.hook(frame.url())
    await poll_and_finish(home.sender())
    sent = frame.deliveries[0]
    shell = next(block for block in blocks("sh") if "openssl" in block)
    (tmp_path / "body").write_bytes(sent.body)
    given = {"SECRET": hook.secret, "ID": sent.id, "TIMESTAMP": sent.headers["webhook-timestamp"]}
    assert f"v1,{printed_by(shell, tmp_path, given)}" == sent.headers["webhook-signature"]


def test_the_example_for_home_assistant_is_yaml() -> None:
    (example,) = blocks("yaml")
    (automation,) = yaml.safe_load(example)["automation"]
    assert automation["trigger"][0]["platform"] == "webhook"


def test_the_page_names_the_bounds_that_hold() -> None:
    """Law 17: the bounds on the page are those of the code."""
    for received, is_so in (
        ("at most five each", retry_policy.WEBHOOKS_MAX == 5),
        ("at most 2,048 bytes", shapes.URL_BYTES_MAX == 2_048),
        ("within 15 seconds", attempt.ATTEMPT_S_MAX == 15),
        ("beyond 1 KiB", attempt.ANSWER_BYTES_MAX == 1_024),
        ("for 24 hours", retry_policy.SECRETS_OVERLAP.total_seconds() == 86_400),
        ("After five days", retry_policy.DISABLED_AFTER.days == 5),
        ("at most 32 at a time", sender.TURNS_MAX == 32),
        ("two for a host", sender.TURNS_A_HOST_MAX == 2),
        ("at most 16 to targets", sender.TURNS_OF_SLOW_MAX == 16),
    ):
        assert received in PAGE, received
        assert is_so, received
    assert all(f"`{word}`" in PAGE for kind in (retry_policy.State, retry_policy.Failure, retry_policy.Disabled) for word in kind)
