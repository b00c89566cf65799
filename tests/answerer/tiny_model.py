"""A language model made on the spot that says one given answer, whatever it is asked: for real servers to serve.

A Llama of two layers whose attention and feed-forward parts add nothing, so that the next token depends on the last
one alone; the output weights then chain the pieces of the answer, from the end of the prompt to the end of the turn.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

END = "<|im_end|>"
_START, _UNKNOWN, _ASSISTANT = "<|im_start|>", "<|unknown|>", "<|assistant|>"
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|><|assistant|>{% endif %}"
)
_WIDTH = 128
_LOUD = 20.0  # by how much the next piece outweighs chance


def write_tiny_model(folder: Path, pieces: Sequence[str]) -> None:
    """Write configuration, weights and tokenizer of a model that answers with these pieces, all different."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    specials = [_START, END, _UNKNOWN, _ASSISTANT]
    letters = [chr(code) for code in range(33, 127)]
    vocabulary = {token: row for row, token in enumerate([*specials, *letters])}
    characters = Tokenizer(models.WordLevel(vocabulary, unk_token=_UNKNOWN))
    characters.pre_tokenizer = pre_tokenizers.Split("", "isolated")  # every character a token
    characters.decoder = decoders.Fuse()
    characters.add_special_tokens([AddedToken(token, special=True) for token in specials])
    characters.add_tokens([AddedToken(piece, normalized=False) for piece in pieces])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=characters, unk_token=_UNKNOWN, eos_token=END, pad_token=END, chat_template=_TEMPLATE
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=32_768,
        tie_word_embeddings=False,
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        pad_token_id=tokenizer.convert_tokens_to_ids(END),
    )
    model = LlamaForCausalLM(config)
    chain = tokenizer.convert_tokens_to_ids([_ASSISTANT, *pieces, END])
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        embedded = torch.nn.functional.normalize(torch.randn(len(tokenizer), _WIDTH), dim=1)
        model.model.embed_tokens.weight.copy_(embedded)
        model.lm_head.weight.zero_()
        for last, following in pairwise(chain):
            model.lm_head.weight[following] = _LOUD * embedded[last]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
