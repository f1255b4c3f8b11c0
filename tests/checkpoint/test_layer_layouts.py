"""Networks of other libraries, by their real names: what is inferred is what their authors built, or nothing."""

import itertools

import pytest

from ptinspect.checkpoint.layer_types import inferred_types
from tests.checkpoint.layer_rows import batch_norm, conv, info, linear, named, norm, types


def bert():
    e, layer = "bert.embeddings", "bert.encoder.layer.0"
    expected = {f"{e}.{kind}_embeddings": "Embedding" for kind in ("word", "position", "token_type")} | {f"{e}.LayerNorm": "LayerNorm"}
    rows = [
        (f"{e}.word_embeddings.weight", 100, 8),
        (f"{e}.position_embeddings.weight", 16, 8),
        (f"{e}.token_type_embeddings.weight", 2, 8),
    ]
    rows += norm(f"{e}.LayerNorm", 8)
    for name, ins, outs in (
        ("attention.self.query", 8, 8),
        ("attention.self.key", 8, 8),
        ("attention.self.value", 8, 8),
        ("attention.output.dense", 8, 8),
        ("intermediate.dense", 8, 32),
        ("output.dense", 32, 8),
    ):
        rows += linear(f"{layer}.{name}", ins, outs)
        expected[f"{layer}.{name}"] = "Linear"
    rows += norm(f"{layer}.attention.output.LayerNorm", 8) + norm(f"{layer}.output.LayerNorm", 8) + linear("bert.pooler.dense", 8, 8)
    rows += [("cls.predictions.bias", 100), ("cls.predictions.decoder.weight", 100, 8)]
    expected |= {f"{layer}.attention.output.LayerNorm": "LayerNorm", f"{layer}.output.LayerNorm": "LayerNorm"}
    return rows, expected | {"bert.pooler.dense": "Linear", "cls.predictions.decoder": "Linear"}


def gpt2():
    h = "transformer.h.0"
    rows = [("transformer.wte.weight", 50, 8), ("transformer.wpe.weight", 16, 8), ("lm_head.weight", 50, 8)]
    rows += norm(f"{h}.ln_1", 8) + norm(f"{h}.ln_2", 8) + norm("transformer.ln_f", 8) + [(f"{h}.attn.bias", 1, 1, 16, 16, "bool")]
    expected = {"transformer.wte": "Embedding", "transformer.wpe": "Embedding", "lm_head": "Linear"}
    expected |= {f"{h}.ln_1": "LayerNorm", f"{h}.ln_2": "LayerNorm", "transformer.ln_f": "LayerNorm"}
    for name, ins, outs in (("attn.c_attn", 8, 24), ("attn.c_proj", 8, 8), ("mlp.c_fc", 8, 32), ("mlp.c_proj", 32, 8)):
        rows += [(f"{h}.{name}.weight", ins, outs), (f"{h}.{name}.bias", outs)]
        expected[f"{h}.{name}"] = "Conv1D"
    return rows, expected


def llama():
    layer = "model.layers.0"
    rows, expected = (
        [("model.embed_tokens.weight", 50, 8)],
        {"model.embed_tokens": "Embedding", "lm_head": "Linear", "model.norm": "RMSNorm"},
    )
    for name, ins, outs in (("q_proj", 8, 8), ("k_proj", 8, 4), ("v_proj", 8, 4), ("o_proj", 8, 8)):
        rows += linear(f"{layer}.self_attn.{name}", ins, outs, bias=False)
        expected[f"{layer}.self_attn.{name}"] = "Linear"
    for name, ins, outs in (("gate_proj", 8, 16), ("up_proj", 8, 16), ("down_proj", 16, 8)):
        rows += linear(f"{layer}.mlp.{name}", ins, outs, bias=False)
        expected[f"{layer}.mlp.{name}"] = "Linear"
    for name in ("input_layernorm", "post_attention_layernorm"):
        rows += norm(f"{layer}.{name}", 8, bias=False)
        expected[f"{layer}.{name}"] = "RMSNorm"
    return rows + norm("model.norm", 8, bias=False) + linear("lm_head", 8, 50, bias=False), expected


def llama_of_meta():
    layer = "layers.0"
    rows, expected = [("tok_embeddings.weight", 50, 8)], {"tok_embeddings": "Embedding", "norm": "RMSNorm", "output": None}
    for name in ("attention.wq", "attention.wk", "attention.wv", "attention.wo", "feed_forward.w1", "feed_forward.w2", "feed_forward.w3"):
        rows += linear(f"{layer}.{name}", 8, 16, bias=False)
        expected[f"{layer}.{name}"] = "Linear"
    rows += norm(f"{layer}.attention_norm", 8, bias=False) + norm(f"{layer}.ffn_norm", 8, bias=False) + norm("norm", 8, bias=False)
    expected |= {f"{layer}.attention_norm": "RMSNorm", f"{layer}.ffn_norm": "RMSNorm"}
    return rows + linear("output", 8, 50, bias=False), expected


def vit():
    rows = [("vit.embeddings.cls_token", 1, 1, 8), ("vit.embeddings.position_embeddings", 1, 5, 8)]
    rows += conv("vit.embeddings.patch_embeddings.projection", 8, 3, 16, 16, bias=True)
    expected, layer = {"vit.embeddings.patch_embeddings.projection": None}, "vit.encoder.layer.0"
    for name, ins, outs in (("attention.attention.query", 8, 8), ("attention.output.dense", 8, 8), ("intermediate.dense", 8, 32)):
        rows += linear(f"{layer}.{name}", ins, outs)
        expected[f"{layer}.{name}"] = "Linear"
    for name in (f"{layer}.layernorm_before", f"{layer}.layernorm_after", "vit.layernorm"):
        rows += norm(name, 8)
        expected[name] = "LayerNorm"
    rows += linear("classifier", 8, 10)
    return rows, expected | {"classifier": "Linear", "vit.embeddings.patch_embeddings.projection": "Conv2d"}


def timm_vit():
    rows = [("cls_token", 1, 1, 192), ("pos_embed", 1, 5, 192), *conv("patch_embed.proj", 192, 3, 16, 16, bias=True)]
    rows += norm("blocks.0.norm1", 192) + linear("blocks.0.attn.qkv", 192, 576) + linear("blocks.0.attn.proj", 192, 192)
    rows += norm("blocks.0.norm2", 192) + linear("blocks.0.mlp.fc1", 192, 768) + linear("blocks.0.mlp.fc2", 768, 192)
    rows += norm("norm", 192) + linear("head", 192, 10)
    expected = {"patch_embed.proj": "Conv2d", "blocks.0.norm1": "LayerNorm", "blocks.0.norm2": "LayerNorm", "norm": "LayerNorm"}
    return rows, expected | dict.fromkeys(("blocks.0.attn.qkv", "blocks.0.attn.proj", "blocks.0.mlp.fc1", "head"), "Linear")


def t5():
    b = "encoder.block.0.layer"
    rows, expected = [("shared.weight", 50, 8)], {"shared": None}
    for name in ("q", "k", "v", "o"):
        rows += linear(f"{b}.0.SelfAttention.{name}", 8, 8, bias=False)
        expected[f"{b}.0.SelfAttention.{name}"] = "Linear"
    rows += [(f"{b}.0.SelfAttention.relative_attention_bias.weight", 32, 4)]
    rows += norm(f"{b}.0.layer_norm", 8, bias=False) + norm("encoder.final_layer_norm", 8, bias=False)
    rows += linear(f"{b}.1.DenseReluDense.wi_0", 8, 16, bias=False) + linear(f"{b}.1.DenseReluDense.wo", 16, 8, bias=False)
    expected |= {f"{b}.0.SelfAttention.relative_attention_bias": "Embedding", f"{b}.0.layer_norm": "RMSNorm"}
    expected |= {f"{b}.1.DenseReluDense.wi_0": "Linear", f"{b}.1.DenseReluDense.wo": "Linear", "encoder.final_layer_norm": "RMSNorm"}
    return rows, expected


def clip():
    v, layer = "vision_model", "vision_model.encoder.layers.0"
    rows = [(f"{v}.embeddings.class_embedding", 32), *conv(f"{v}.embeddings.patch_embedding", 768, 3, 32, 32)]
    rows += [
        (f"{v}.embeddings.position_embedding.weight", 50, 768),
        ("text_model.embeddings.token_embedding.weight", 100, 8),
        ("logit_scale",),
    ]
    rows += norm(f"{v}.pre_layrnorm", 768) + norm(f"{layer}.layer_norm1", 768) + norm(f"{v}.post_layernorm", 768)
    rows += linear(f"{layer}.self_attn.k_proj", 768, 768) + linear(f"{layer}.mlp.fc1", 768, 3072)
    rows += linear("visual_projection", 768, 512, bias=False) + linear("text_projection", 8, 512, bias=False)
    expected = {f"{v}.embeddings.position_embedding": "Embedding", "text_model.embeddings.token_embedding": "Embedding"}
    expected |= {f"{v}.embeddings.patch_embedding": "Conv2d", f"{layer}.layer_norm1": "LayerNorm", f"{v}.post_layernorm": "LayerNorm"}
    return rows, expected | {f"{layer}.self_attn.k_proj": "Linear", "visual_projection": "Linear", "text_projection": "Linear"}


def whisper():
    e, layer = "model.encoder", "model.encoder.layers.0"
    rows = (
        conv(f"{e}.conv1", 384, 80, 3, bias=True)
        + conv(f"{e}.conv2", 384, 384, 3, bias=True)
        + [(f"{e}.embed_positions.weight", 1500, 384)]
    )
    rows += linear(f"{layer}.self_attn.k_proj", 384, 384, bias=False) + linear(f"{layer}.fc1", 384, 1536) + norm(f"{e}.layer_norm", 384)
    rows += (
        norm(f"{layer}.self_attn_layer_norm", 384)
        + linear("model.decoder.embed_tokens", 384, 500, bias=False)
        + linear("proj_out", 384, 500, bias=False)
    )
    expected = {
        f"{e}.conv1": "Conv1d",
        f"{e}.conv2": "Conv1d",
        f"{e}.embed_positions": "Embedding",
        "model.decoder.embed_tokens": "Embedding",
    }
    expected |= {f"{layer}.self_attn.k_proj": "Linear", f"{layer}.fc1": "Linear", f"{layer}.self_attn_layer_norm": "LayerNorm"}
    return rows, expected | {f"{e}.layer_norm": None, "proj_out": "Linear"}


def diffusion_unet():
    d, t = "down_blocks.0", "down_blocks.0.attentions.0.transformer_blocks.0"
    rows = conv("conv_in", 320, 4, 3, 3, bias=True) + linear("time_embedding.linear_1", 320, 1280)
    rows += norm(f"{d}.resnets.0.norm1", 320) + conv(f"{d}.resnets.0.conv1", 320, 320, 3, 3, bias=True)
    rows += linear(f"{d}.resnets.0.time_emb_proj", 1280, 320) + norm(f"{d}.attentions.0.norm", 320)
    rows += norm(f"{t}.norm1", 320) + linear(f"{t}.attn1.to_q", 320, 320, bias=False) + linear(f"{t}.attn2.to_k", 768, 320, bias=False)
    rows += linear(f"{t}.attn1.to_out.0", 320, 320) + linear(f"{t}.ff.net.0.proj", 320, 2560) + linear(f"{t}.ff.net.2", 1280, 320)
    rows += conv("down_blocks.0.downsamplers.0.conv", 320, 320, 3, 3, bias=True) + conv(
        "up_blocks.0.resnets.0.conv1", 1280, 2560, 3, 3, bias=True
    )
    rows += (
        conv("up_blocks.0.upsamplers.0.conv", 1280, 1280, 3, 3, bias=True)
        + norm("conv_norm_out", 320)
        + conv("conv_out", 4, 320, 3, 3, bias=True)
    )
    expected = dict.fromkeys(
        ("conv_in", f"{d}.resnets.0.conv1", "up_blocks.0.resnets.0.conv1", "conv_out", f"{d}.downsamplers.0.conv"), "Conv2d"
    )
    expected |= dict.fromkeys(
        ("up_blocks.0.upsamplers.0.conv", f"{d}.resnets.0.norm1", f"{t}.norm1", f"{d}.attentions.0.norm", "conv_norm_out")
    )
    names = (f"{t}.attn1.to_q", f"{t}.attn2.to_k", f"{t}.attn1.to_out.0", f"{t}.ff.net.0.proj", f"{t}.ff.net.2", "time_embedding.linear_1")
    return rows, expected | dict.fromkeys(names, "Linear")


def wav2vec2():
    f = "wav2vec2.feature_extractor.conv_layers"
    rows = conv(f"{f}.0.conv", 512, 1, 10) + norm(f"{f}.0.layer_norm", 512) + conv(f"{f}.1.conv", 512, 512, 3)
    rows += [("encoder.pos_conv_embed.conv.weight_g", 1, 1, 128), ("encoder.pos_conv_embed.conv.weight_v", 768, 48, 128)]
    rows += [
        ("encoder.pos_conv_embed.conv.bias", 768),
        *norm("feature_projection.layer_norm", 512),
        *linear("feature_projection.projection", 512, 768),
    ]
    expected = {f"{f}.0.layer_norm": None, "encoder.pos_conv_embed.conv": "Conv1d", "feature_projection.layer_norm": "LayerNorm"}
    return rows, expected


def hifigan():
    rows = [("conv_pre.bias", 512), ("conv_pre.weight_g", 512, 1, 1), ("conv_pre.weight_v", 512, 80, 7)]
    rows += [("ups.0.bias", 256), ("ups.0.weight_g", 512, 1, 1), ("ups.0.weight_v", 512, 256, 16)]
    rows += [
        ("resblocks.0.convs1.0.bias", 256),
        ("resblocks.0.convs1.0.weight_g", 256, 1, 1),
        ("resblocks.0.convs1.0.weight_v", 256, 256, 7),
    ]
    return rows, {"conv_pre": "Conv1d", "ups.0": "ConvTranspose1d", "resblocks.0.convs1.0": "Conv1d"}


def dcgan():
    rows, expected, sizes = [], {}, (100, 512, 256, 128, 64)
    for at, (ins, outs) in enumerate(itertools.pairwise(sizes)):
        rows += [(f"main.{3 * at}.weight", ins, outs, 4, 4), *batch_norm(f"main.{3 * at + 1}", outs)]
        expected |= {f"main.{3 * at}": "ConvTranspose2d", f"main.{3 * at + 1}": "BatchNorm2d"}
    return [*rows, ("main.12.weight", 64, 3, 4, 4)], expected | {"main.12": None}


def unet():
    rows = conv("inc.double_conv.0", 64, 3, 3, 3) + batch_norm("inc.double_conv.1", 64)
    rows += conv("inc.double_conv.3", 64, 64, 3, 3) + batch_norm("inc.double_conv.4", 64)
    rows += [("up1.up.weight", 1024, 512, 2, 2), ("up1.up.bias", 512), *conv("up1.conv.double_conv.3", 512, 512, 3, 3)]
    rows += batch_norm("up1.conv.double_conv.4", 512) + conv("outc.conv", 2, 64, 1, 1, bias=True)
    expected = dict.fromkeys(("inc.double_conv.0", "inc.double_conv.3", "up1.conv.double_conv.3", "outc.conv"), "Conv2d")
    return rows, expected | {"up1.up": "ConvTranspose2d", "inc.double_conv.1": "BatchNorm2d", "up1.conv.double_conv.4": "BatchNorm2d"}


def mnist():
    rows = (
        conv("conv1", 32, 1, 3, 3, bias=True) + conv("conv2", 64, 32, 3, 3, bias=True) + linear("fc1", 9216, 128) + linear("fc2", 128, 10)
    )
    return rows, {"conv1": "Conv2d", "conv2": "Conv2d", "fc1": "Linear", "fc2": "Linear"}


def without_names():
    rows = conv("0", 32, 1, 3, 3, bias=True) + conv("2", 64, 32, 3, 3, bias=True) + linear("6", 9216, 128)
    return rows, {"0": "Conv2d", "2": "Conv2d", "6": "Linear"}


LAYOUTS = [
    bert,
    gpt2,
    llama,
    llama_of_meta,
    vit,
    timm_vit,
    t5,
    clip,
    whisper,
    diffusion_unet,
    wav2vec2,
    hifigan,
    dcgan,
    unet,
    mnist,
    without_names,
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_that_a_known_layout_reads_as_its_authors_built_it(layout):
    rows, expected = layout()
    found = named(types(*rows))
    assert {path: found.get(path) for path in expected} == expected
    shuffled = named(types(*sorted(rows)))  # safetensors files are sorted by name
    assert all(shuffled.get(path) in (kind, None) for path, kind in expected.items())


def test_that_plain_norms_among_convolutions_are_left_open():
    rows = conv("a.conv1", 64, 3, 3, 3) + conv("a.conv2", 64, 64, 3, 3) + norm("a.norm1", 64) + linear("attn.qkv", 64, 192)
    assert "a.norm1" not in types(*rows)


def test_that_versions_tell_a_batch_norm_without_statistics_from_a_layer_norm():
    rows = [info("ln.weight", (8,)), info("ln.bias", (8,))]
    assert inferred_types(rows, {"ln": 2}) == {}
    assert inferred_types(rows, {"ln": 1})["ln"].type == "LayerNorm"
