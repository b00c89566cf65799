import pytest

from indexer.articles import Article
from language.script import SCRIPTS, detect_script, render
from language.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("重慶2025年整車產量是多少?", "zh-TW"),
        ("輝達的演講說了什麼?", "zh-TW"),
        ("這個觀點的依據是什麼?", "zh-TW"),
        ("重慶的汽車產業有什麼特點,為什麼能夠解決這個問題?", "zh-TW"),
        ("哪個城市的產量比較高一點?", "zh-TW"),
        ("這兩個方案怎麼解釋?", "zh-TW"),
        ("重庆2025年整车产量是多少?", "zh-CN"),
        ("英伟达的演讲说了什么?", "zh-CN"),
        ("后来怎么样?", "zh-CN"),
        ("平治同豐田邊個賣得多?", "zh-HK"),
        ("點解歐盟放寬禁令?", "zh-HK"),
        ("特朗普對中國車企講咗咩?", "zh-HK"),
        ("英偉達嘅晶片有咩用?", "zh-HK"),
    ],
)
def test_the_script_of_a_question(text: str, script: str) -> None:
    assert detect_script(text) == script


@pytest.mark.parametrize("text", ["Tesla?", "2025", "", "中國".replace("國", "文"), "???", "\x00", "🚗"])
@pytest.mark.parametrize("default", SCRIPTS)
def test_text_that_tells_nothing_gets_the_default(text: str, default: str) -> None:
    assert detect_script(text, default=default) == default


def test_the_seed_articles_are_in_taiwan_script(articles: list[Article]) -> None:
    assert {detect_script(article.body) for article in articles} == {"zh-TW"}


def test_a_seed_sentence_in_taiwan_script_is_shown_as_it_stands(articles: list[Article]) -> None:
    """A Taiwan asker reads the article's own wording: nothing of it is rewritten."""
    rewritten = []
    for article in articles:
        for span in split_sentences(article.body):
            sentence = article.body[span.start : span.end]
            if render(sentence, "zh-TW") != sentence:
                rewritten.append((sentence, render(sentence, "zh-TW")))
    assert rewritten == []


@pytest.mark.parametrize(
    ("text", "script", "rendered"),
    [
        ("晶片與軟體", "zh-CN", "芯片与软件"),
        ("網路視訊的品質", "zh-CN", "网络视频的品质"),
        ("首席執行長", "zh-CN", "首席执行官"),
        ("輝達與賓士", "zh-CN", "英伟达与奔驰"),
        ("輝達與賓士", "zh-HK", "英偉達與奔馳"),
        ("視頻和軟件", "zh-CN", "视频和软件"),
        ("软件和网络", "zh-TW", "軟體和網路"),
        ("软件和网络", "zh-HK", "軟件和網絡"),
        ("重庆的产量", "zh-TW", "重慶的產量"),
        ("重庆的产量", "zh-CN", "重庆的产量"),
        ("Tesla 2025", "zh-CN", "Tesla 2025"),
        ("", "zh-TW", ""),
    ],
)
def test_text_in_a_script(text: str, script: str, rendered: str) -> None:
    assert render(text, script) == rendered
