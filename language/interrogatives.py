"""The words of a question that ask, as against those that say what about; Mandarin and Cantonese."""

import re

_ASKING = re.compile(
    r"什么时候|什么时间|什么地方|什么样|什么人|什么|为什么|为何|为啥|点解|何时|何处|哪一年|哪一天|哪一个|哪一家"
    r"|哪一位|哪年|哪天|哪里|哪儿|哪些|哪几|哪个|哪家|哪位|哪种|哪"
    r"|多少|几多|多久|多大|多高|多长|几时|边个|边度|边啲|怎么样|怎么|怎样"
    r"|几(?=[个辆台家款条项座间位名次倍岁人万千百亿张种年天月号分点趴字])|如何|点样|是谁|谁|请问|告诉我|请|吗|呢"
    r"|嘛|吧|啊|咩|嘅|系|咗|喺|唔|是否|有没有|是不是|会不会|能不能"
    r"|分别|到底|究竟|有关|关于|根据|文章|文中|里面|报道|我想知道|想知道|一下|大概|大约|具体|主要|目前|现在"
)


def without_asking(folded: str) -> str:
    """The folded question with its asking words blanked out by spaces; the length stays."""
    return _ASKING.sub(lambda match: " " * len(match.group()), folded)
