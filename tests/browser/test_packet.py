"""The review packet as a reader meets it: two screens, light and dark, on paper, without help."""

import re

import pytest

DESKTOP, PHONE = 1280, 390
VISIBLE = """[...document.querySelectorAll('[data-scheme="he_normal"]')]
    .filter(e => !e.classList.contains('off')).length"""
SHOWN = "document.querySelector('#figure-{0} .{1}').getBoundingClientRect().height > 0"
PAPER = "getComputedStyle(document.body).backgroundColor"


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_it_loads_quietly_and_never_scrolls_sideways(chromium, page, pictures, width, dark):
    chromium.open(page, width=width, dark=dark)
    chromium.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.run(PAPER) == ("rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)")
    name = f"packet_{width}_{'dark' if dark else 'light'}.png"
    chromium.screenshot(path=pictures / name, full_page=True)
    assert (pictures / name).stat().st_size > 50_000
    assert chromium.problems == []


def test_the_first_screen_holds_the_answer_and_the_trade_off(chromium, page, pictures):
    chromium.open(page, width=DESKTOP, height=900)
    for place in (".headline", ".points", "#figure-tradeoff .log svg"):
        box = f"document.querySelector('{place}').getBoundingClientRect()"
        assert chromium.run(f"{box}.height > 20 && {box}.top >= 0 && {box}.bottom <= 900"), place
    chromium.screenshot(path=pictures / "packet_first_screen.png")


def test_a_phone_shows_all_numbers_of_the_verdict_table_without_scrolling_sideways(
    chromium, page, pictures
):
    chromium.open(page, width=PHONE, height=844)
    cells = """(() => {
        const cells = [...document.querySelectorAll('#verdict ~ .scroll td')];
        return cells.map(cell => [cell.getBoundingClientRect().left,
            cell.getBoundingClientRect().left + cell.scrollWidth, cell.dataset.label]);
        })()"""
    found = chromium.run(cells)
    assert {label for _, _, label in found} >= {"Chosen rate, basin", "Test loss", "Test accuracy"}
    assert min(left for left, _, _ in found) >= 0
    assert max(right for _, right, _ in found) <= PHONE
    chromium.run("document.querySelector('#verdict').scrollIntoView()")
    chromium.screenshot(path=pictures / "packet_phone_table.png")


def test_a_click_hides_a_scheme_everywhere_and_brings_it_back(chromium, page):
    chromium.open(page, width=DESKTOP)
    everywhere = chromium.run(VISIBLE)
    assert everywhere > 10
    chip = "document.querySelector('[data-chip=he_normal]')"
    chromium.run(f"{chip}.click()")
    assert chromium.run(VISIBLE) == 0
    assert chromium.run(f"{chip}.getAttribute('aria-pressed')") == "false"
    assert chromium.run("location.hash") == "#off=he_normal"
    row = "document.querySelector('tr[data-scheme=he_normal]').getBoundingClientRect().height"
    assert chromium.run(row) == 0
    chromium.run(f"{chip}.click()")
    assert chromium.run(VISIBLE) == everywhere
    assert chromium.problems == []


def test_the_address_keeps_what_was_chosen(chromium, page):
    chromium.open(f"{page}#off=zeros,he_normal&theme=dark&axes=linear", width=DESKTOP)
    assert chromium.run(VISIBLE) == 0
    assert chromium.run(PAPER) == "rgb(13, 17, 23)"
    assert chromium.run(SHOWN.format("tradeoff", "linear"))
    assert not chromium.run(SHOWN.format("tradeoff", "log"))


def test_what_is_no_choice_in_the_address_is_ignored(chromium, page):
    chromium.open(f"{page}#off=nobody&theme=pink", width=DESKTOP)
    assert chromium.run("document.querySelectorAll('.off').length") == 0
    assert chromium.run(PAPER) == "rgb(255, 255, 255)"
    assert chromium.problems == []


def test_only_tied_schemes_on_request(chromium, page):
    chromium.open(page, width=DESKTOP)
    chromium.run("document.querySelector('[data-only]:not([data-only=all])').click()")
    tied = "document.querySelector('[data-only]:not([data-only=all])').dataset.only.split(' ')"
    pressed = """[...document.querySelectorAll('[data-chip][aria-pressed=true]')]
        .map(e => e.dataset.chip)"""
    assert chromium.run(pressed) == chromium.run(tied)


def test_the_theme_button_overrules_the_system(chromium, page):
    chromium.open(page, width=DESKTOP, dark=True)
    button = "document.getElementById('theme')"
    chromium.run(f"{button}.click()")
    assert chromium.run(f"{button}.textContent") == "Theme: light"
    assert chromium.run(PAPER) == "rgb(255, 255, 255)"
    line = "document.querySelector('#figure-tradeoff svg text')"
    assert chromium.run(f"getComputedStyle({line}).fill") == "rgb(36, 41, 47)"


@pytest.mark.parametrize("figure", ["lr_overlay", "tradeoff", "budget", "lr_response"])
def test_numbers_can_be_read_under_the_pointer(chromium, page, pictures, figure):
    chromium.open(page, width=DESKTOP)
    place = chromium.run(
        f"""(() => {{
        const svg = document.querySelector('svg[data-figure={figure}]');
        svg.scrollIntoView({{block: 'center'}});
        const marks = JSON.parse(document.getElementById('page-data').textContent).marks;
        const mark = marks['{figure}'].find(m => m[4].startsWith('he_normal'));
        const at = new DOMPoint(mark[1], mark[2]).matrixTransform(svg.getScreenCTM());
        return [at.x, at.y, mark[4]];
        }})()"""
    )
    assert chromium.run("document.getElementById('tip').hidden")
    chromium.page.mouse.move(place[0], place[1])
    assert place[2] in chromium.run("document.getElementById('tip').innerText")
    chromium.screenshot(path=pictures / f"packet_pointer_{figure}.png")
    assert chromium.problems == []


def test_it_says_everything_without_javascript(chromium, page):
    chromium.open(page, width=DESKTOP, scripts=False)
    buttons = "getComputedStyle(document.querySelector('.chips')).display"
    assert chromium.run(buttons) == "none"
    assert chromium.run(SHOWN.format("lr_overlay", "log"))
    chromium.run("document.querySelector('label[for=linear]').click()")  # CSS alone
    assert chromium.run(SHOWN.format("lr_overlay", "linear"))


def test_on_paper_it_is_whole_and_light(chromium, page, pictures):
    chromium.open(f"{page}#theme=dark", width=DESKTOP, dark=True)
    content = chromium.page.pdf(prefer_css_page_size=True)
    (pictures / "packet.pdf").write_bytes(content)
    pages = len(re.findall(rb"/Type\s*/Page\b", content))
    assert 6 <= pages <= 30
    chromium.page.emulate_media(media="print")
    assert chromium.run(PAPER) == "rgb(255, 255, 255)"
    folded = "[...document.querySelectorAll('details')].map(d => d.offsetHeight)"
    assert min(chromium.run(folded)) > 60
    titles = "[...document.querySelectorAll('summary')].map(s => s.offsetHeight)"
    assert min(chromium.run(titles)) > 10
    figures = "[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().height)"
    assert max(chromium.run(figures)) < 1010  # of the 1032 pixels that a page is high
