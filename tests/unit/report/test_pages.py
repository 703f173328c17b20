"""What templates make of text."""

from dlmd.report import pages


def test_backticks_become_code_and_nothing_else_becomes_html():
    assert pages.with_code("set `md.segments: 9`, <b> & `a`") == (
        "set <code>md.segments: 9</code>, &lt;b&gt; &amp; <code>a</code>"
    )
