import xml.etree.ElementTree as ET

import pytest

from eval.plots import bars, curve, dot, standalone, whiskers

PLOTS = {
    "dot": dot(0.5, 0.25, 0.75, 0.4),
    "bars": bars("題 <1>", ["1", "2"], [("passage", [3, 0]), ("sentence", [1, 2])], "rank"),
    "no bars": bars("none", [], [], "rank"),
    "curve": curve("refusal", [("a", [(0, 0), (1, 1)]), ("b", [])], "x", "y", (0.7, 0.5, "here & now")),
    "whiskers": standalone(whiskers("ablations", [("as it is", 0.8, 0.7, 0.9), ("without <x>", 0.6, 0.5, 0.7)])),
}


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_one_svg_with_nothing_outside_its_frame(name: str) -> None:
    root = ET.fromstring(PLOTS[name])
    _, _, wide, tall = map(float, root.attrib["viewBox"].split())
    for element in root.iter():
        x, y = (float(element.attrib.get(key, element.attrib.get("c" + key, 0))) for key in ("x", "y"))
        if "transform" not in element.attrib:
            assert 0 <= x <= wide
            assert 0 <= y <= tall


def test_values_stand_where_they_should() -> None:
    root = ET.fromstring(PLOTS["dot"])
    before, point = (float(circle.attrib["cx"]) for circle in root.iter() if circle.tag.endswith("circle"))
    assert (before, point) == (64.8, 80.0)
    heights = [
        float(r.attrib["height"])
        for r in ET.fromstring(PLOTS["bars"]).iter()
        if r.attrib.get("width") != "9" and r.tag.endswith("rect")
    ]
    assert [round(h / heights[0], 2) for h in heights] == [1.0, 0.0, 0.33, 0.67]
