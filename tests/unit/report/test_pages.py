"""What templates make of text."""

from dlmd.report import pages


def test_columns_of_sentences_are_told_from_columns_of_numbers():
    rows = [
        {"T (K)": "500", "σ": "1,390 (1,070 to 1,790) mS/cm, say", "how": "four"},
        {
            "T (K)": "550",
            "σ": "-0.01 (-0.02 to -0.01) and no more",
            "how": "extrapolated by 202 K, not known",
        },
    ]
    assert pages.wordy(rows) == {"how"} and pages.wordy([]) == set()


def test_backticks_become_code_and_nothing_else_becomes_html():
    assert pages.with_code("set `md.segments: 9`, <b> & `a`") == (
        "set <code>md.segments: 9</code>, &lt;b&gt; &amp; <code>a</code>"
    )
