"""docs/security.md shows the roles as the code has them."""

from pathlib import Path

from services.access.roles import Role
from services.rpc.roles import ROLES

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "security.md"


def table() -> str:
    rows = ["| Service | viewer | operator | admin |", "|---|---|---|---|"]
    for service, calls in ROLES.items():
        cells = [", ".join(call for call, role in calls.items() if role is wanted) for wanted in Role]
        rows.append(f"| {service} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def test_the_table_of_roles_is_current() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    shown = text.split("test_roles_documented.py -->\n")[1].split("\n<!-- /roles -->")[0]
    assert shown == table(), f"put this into docs/security.md:\n{table()}"
