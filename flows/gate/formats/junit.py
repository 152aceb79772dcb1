"""JUnit's XML, as CI systems read it: a test case for each verdict and for each metric that was judged.

There is no standard; the elements and attributes are those of Ant's task, which Jenkins, GitLab and GitHub's
reporters share. A regression is a failure, what could not be judged an error, what was not judged is skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tracemill.flows.gate.wording import coverage, headline, message
from tracemill.flows.show.terminal import visible

if TYPE_CHECKING:
    from tracemill.flows.gate.judgement import Finding, Judgement


def write(judgement: Judgement) -> str:
    """One test suite, named after the candidate."""
    suite = Element("testsuite", name=visible(f"tracemill {judgement.candidate}"))
    failing = judgement.failing
    for finding in failing:
        _case(suite, finding.metric, _name(finding), "failure", message(finding), kind=finding.status)
    for doubt in judgement.doubts:
        _case(suite, "judgement", doubt, "error", doubt, kind="could not judge")
    members = [member for finding in failing for member in finding.members or ()]
    failed = {finding.metric for finding in failing}
    failed |= {metric for metric in judgement.judged if any(m.startswith(f"{metric} of ") for m in members)}
    for metric, count in judgement.judged.items():
        if metric not in failed:
            _case(suite, metric, f"{count} series judged")
    for unjudged in judgement.unjudged:
        text = f"{unjudged.series_count} series: {unjudged.why}"
        _case(suite, unjudged.metric, f"not judged: {text}", "skipped", text)
    for name, tag in (("tests", "testcase"), ("failures", "*/failure"), ("errors", "*/error")):
        suite.set(name, str(len(suite.findall(tag))))
    suite.set("skipped", str(len(suite.findall("*/skipped"))))
    SubElement(suite, "system-out").text = "\n".join(
        map(visible, [headline(judgement), *coverage(judgement)])
    )
    whole = Element("testsuites", {k: v for k, v in suite.attrib.items() if k != "name"}, name="tracemill")
    whole.append(suite)
    indent(whole)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(whole, encoding="unicode") + "\n"


def _name(finding: Finding) -> str:
    return f"{finding.subject} at {finding.first_build_id}"


def _case(
    suite: Element, metric: str, name: str, outcome: str = "", text: str = "", kind: str | None = None
) -> None:
    case = SubElement(suite, "testcase", classname=visible(f"tracemill.{metric}"), name=visible(name))
    if outcome:
        found = SubElement(case, outcome, message=visible(text))
        if kind:
            found.set("type", kind)
            found.text = visible(text)
