"""docs/initializers.md says what the registry and the fans say."""

from benchmarks.initializers_page import PAGE, catalogue
from benchmarks.measure_fans import measurements


def between(mark):
    page = PAGE.read_text("utf-8")
    return page.split(f"<!-- {mark} -->\n")[1].split("\n<!-- end -->")[0]


def test_the_catalogue_is_up_to_date():
    assert between("catalogue") == catalogue(), (
        "run `python -m benchmarks.initializers_page --write`"
    )


def test_the_table_of_fans_has_every_layer_and_its_fans():
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in between("fans").split("\n")
    ]
    written = {row[0].split(", each of")[0]: (row[1], row[3]) for row in rows[2:]}
    computed = {}
    for one in measurements():
        name = one.layer.name.split("[")[0]
        key = f"{one.module}, `{name}`" if name else one.module
        computed[key] = (f"{one.layer.fan_in:g}", f"{one.layer.fan_out:g}")
    assert written == computed


def test_measured_and_computed_numbers_of_the_page_agree():
    for line in between("fans").split("\n")[2:]:
        _, fan_in, forward, fan_out, backward, _ = (cell.strip() for cell in line.split("|")[1:-1])
        assert abs(float(forward) / float(fan_in) - 1) < 0.015
        assert abs(float(backward) / float(fan_out) - 1) < 0.015
