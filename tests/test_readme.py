"""README.md is short, and says of claims what their page says."""

from benchmarks.claims_table import HEADLINES, PAGE, README
from initclaims.laboratory.claim import CLAIMS


def rows(page, mark):
    text = page.read_text("utf-8").split(f"<!-- {mark} -->\n")[1].split("<!-- end -->")[0]
    return [line for line in text.split("\n") if line.startswith("| ") and "---" not in line]


def test_it_can_be_read_in_a_few_minutes():
    assert len(README.read_bytes()) <= 9000


def test_its_claims_are_those_of_the_page():
    shown = rows(README, "headlines")[1:]
    assert [row.split(" | ")[0][2:] for row in shown] == [CLAIMS.get(n).title for n in HEADLINES]
    assert set(shown) <= set(rows(PAGE, "claims"))
