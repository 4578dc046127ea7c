"""Networks of others with random weights: families of timm by name, and small configurations of transformers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["TIMM", "TRANSFORMERS", "prepare", "timm_model", "transformers_model"]

TIMM: dict[str, int] = {
    "resnet50": 64, "regnetx_002": 64, "regnety_002": 64, "efficientnet_b0": 64, "mobilenetv2_050": 64,
    "mobilenetv3_small_050": 64, "mobilenetv4_conv_small": 64, "mobilenetv4_hybrid_medium": 64, "convnext_atto": 64,
    "convnextv2_atto": 64, "vit_tiny_patch16_224": 224, "deit_tiny_distilled_patch16_224": 224,
    "swin_tiny_patch4_window7_224": 224, "swinv2_tiny_window8_256": 256, "maxvit_rmlp_pico_rw_256": 256,
    "coatnet_pico_rw_224": 224, "poolformer_s12": 64, "caformer_s18": 64, "starnet_s1": 64, "repvgg_a0": 64,
    "fastvit_t8": 64, "eva02_tiny_patch14_224": 224, "mixer_s32_224": 224, "resmlp_12_224": 224,
    "gmlp_ti16_224": 224, "densenet121": 64, "inception_v3": 96, "inception_v4": 96, "xception41": 64, "vgg11": 64,
    "dpn48b": 64, "nfnet_l0": 64, "ghostnet_050": 64, "mnasnet_small": 64, "res2net50_14w_8s": 64,
    "resnest14d": 64, "skresnet18": 64, "hrnet_w18_small": 64, "dla34": 64, "ese_vovnet19b_slim": 64,
    "lcnet_050": 64, "hardcorenas_a": 64, "tinynet_e": 64, "mobileone_s0": 64, "mobilevit_xxs": 64,
    "edgenext_xx_small": 64, "efficientformer_l1": 224, "levit_128s": 224, "crossvit_tiny_240": 240,
    "pit_ti_224": 224, "cait_xxs24_224": 224, "xcit_nano_12_p16_224": 224, "twins_svt_small": 64, "pvt_v2_b0": 64,
    "beit_base_patch16_224": 224, "davit_tiny": 224, "nest_tiny": 224, "focalnet_tiny_srf": 224,
    "inception_next_atto": 64, "hiera_tiny_224": 224, "volo_d1_224": 224, "visformer_tiny": 224,
    "convmixer_768_32": 64, "repghostnet_050": 64, "efficientvit_b0": 64, "efficientvit_m0": 224,
    "tiny_vit_5m_224": 224, "gcvit_xxtiny": 224, "cspresnet50": 64, "selecsls42": 64, "sequencer2d_s": 224,
    "coat_lite_tiny": 224, "convit_tiny": 224, "tnt_s_legacy_patch16_224": 224, "resnetv2_50x1_bit": 64,
    "mvitv2_tiny": 224, "tresnet_m": 64, "rexnet_100": 64, "hgnetv2_b0": 64, "repvit_m0_9": 64, "fasternet_t0": 64,
    "mambaout_femto": 64, "rdnet_tiny": 64, "nextvit_small": 224, "shvit_s1": 224, "swiftformer_xs": 224,
    "csatv2": 512,
}  # fmt: skip
"""Side of the input image of one member of each family."""

PLAIN = {"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2}
TEXT = {**PLAIN, "num_attention_heads": 4}
PYRAMID = {"hidden_sizes": [8, 16, 24, 32], "depths": [1] * 4}
WIDE = {**TEXT, "intermediate_size": 64}
DECODER = {**WIDE, "num_key_value_heads": 2, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
IMAGE = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "image_size": 32,
    "patch_size": 8,
}  # fmt: skip
BOTH_SIDES = {
    "vocab_size": 100, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2,
}  # fmt: skip
WORDS = (1, 16)
PICTURE = (1, 3, 32, 32)

TRANSFORMERS: dict[str, tuple[str, str, dict[str, Any], tuple[int, ...]]] = {
    "BERT": ("BertModel", "BertConfig", WIDE, WORDS),
    "DistilBERT": (
        "DistilBertModel", "DistilBertConfig",
        {"vocab_size": 100, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}, WORDS,
    ),
    "RoBERTa": ("RobertaModel", "RobertaConfig", WIDE, WORDS),
    "ALBERT": ("AlbertModel", "AlbertConfig", {**WIDE, "embedding_size": 16}, WORDS),
    "ELECTRA": ("ElectraModel", "ElectraConfig", {**WIDE, "embedding_size": 16}, WORDS),
    "DeBERTa v2": (
        "DebertaV2Model", "DebertaV2Config",
        {**WIDE, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]}, WORDS,
    ),
    "GPT-2": (
        "GPT2LMHeadModel", "GPT2Config",
        {"vocab_size": 100, "n_embd": 32, "n_layer": 2, "n_head": 4, "bos_token_id": 1, "eos_token_id": 2}, WORDS,
    ),
    "GPT-NeoX": ("GPTNeoXForCausalLM", "GPTNeoXConfig", WIDE, WORDS),
    "OPT": ("OPTForCausalLM", "OPTConfig", {**TEXT, "ffn_dim": 64, "word_embed_proj_dim": 32}, WORDS),
    "Llama": ("LlamaForCausalLM", "LlamaConfig", DECODER, WORDS),
    "Qwen2": ("Qwen2ForCausalLM", "Qwen2Config", DECODER, WORDS),
    "Qwen3": ("Qwen3ForCausalLM", "Qwen3Config", {**DECODER, "head_dim": 8}, WORDS),
    "Mistral": ("MistralForCausalLM", "MistralConfig", {**DECODER, "sliding_window": 8}, WORDS),
    "Gemma": ("GemmaForCausalLM", "GemmaConfig", {**DECODER, "head_dim": 8}, WORDS),
    "Gemma 2": ("Gemma2ForCausalLM", "Gemma2Config", {**DECODER, "head_dim": 8}, WORDS),
    "Phi": ("PhiForCausalLM", "PhiConfig", {**WIDE, "pad_token_id": 0}, WORDS),
    "Mixtral": ("MixtralForCausalLM", "MixtralConfig", {**DECODER, "num_local_experts": 4}, WORDS),
    "T5": (
        "T5EncoderModel", "T5Config",
        {"vocab_size": 100, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}, WORDS,
    ),
    "BART": ("BartModel", "BartConfig", BOTH_SIDES, WORDS),
    "ViT": ("ViTForImageClassification", "ViTConfig", IMAGE, PICTURE),
    "DeiT": ("DeiTModel", "DeiTConfig", IMAGE, PICTURE),
    "DINOv2": ("Dinov2Model", "Dinov2Config", IMAGE, PICTURE),
    "YOLOS": ("YolosForObjectDetection", "YolosConfig", {**IMAGE, "image_size": [32, 32]}, PICTURE),
    "Swin": (
        "SwinModel", "SwinConfig",
        {"image_size": 32, "patch_size": 2, "embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4},
        PICTURE,
    ),
    "ConvNeXt V2": ("ConvNextV2Model", "ConvNextV2Config", PYRAMID, (1, 3, 64, 64)),
    "SegFormer": (
        "SegformerForSemanticSegmentation", "SegformerConfig",
        {**PYRAMID, "num_attention_heads": [1, 2, 3, 4], "decoder_hidden_size": 16}, (1, 3, 64, 64),
    ),
    "CLIP vision": ("CLIPVisionModel", "CLIPVisionConfig", IMAGE, PICTURE),
    "CLIP text": ("CLIPTextModel", "CLIPTextConfig", {**WIDE, "eos_token_id": 99, "bos_token_id": 1}, WORDS),
    "Whisper encoder": (
        "WhisperModel", "WhisperConfig", {**BOTH_SIDES, "num_mel_bins": 16, "max_source_positions": 50}, (1, 16, 100),
    ),
    "Wav2Vec2": (
        "Wav2Vec2Model", "Wav2Vec2Config",
        {
            "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
            "conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
        },
        (1, 4000),
    ),
    "Mamba": ("MambaForCausalLM", "MambaConfig", {**PLAIN, "state_size": 4}, WORDS),
    "Mamba-2": (
        "Mamba2ForCausalLM", "Mamba2Config",
        {**PLAIN, "state_size": 4, "num_heads": 8, "head_dim": 8, "n_groups": 2, "chunk_size": 8}, WORDS,
    ),
    "RWKV": ("RwkvModel", "RwkvConfig", {**PLAIN, "attention_hidden_size": 32}, WORDS),
}  # fmt: skip
"""Class, configuration, its arguments, and the shape of the input: whole numbers below the size of a vocabulary."""

_SCHEMAS: list[Any] = []


def prepare() -> None:
    """Let timm be imported beside a torch for which torchvision has no compiled operators: declare two of them."""
    import torch

    if _SCHEMAS or hasattr(torch.ops.torchvision, "nms"):
        return
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _SCHEMAS.append(library)


def timm_model(name: str) -> tuple[Any, Any]:
    """Module with random weights, and the shape of its input."""
    prepare()
    import timm

    side = TIMM[name]
    return _drawn(lambda: timm.create_model(name, pretrained=False)), (1, 3, side, side)


def transformers_model(name: str) -> tuple[Any, Any]:
    """Module with random weights, and an example of its input."""
    prepare()
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    model, configuration, arguments, shape = TRANSFORMERS[name]
    config = getattr(transformers, configuration)(**arguments)
    config.use_cache = False
    module = _drawn(lambda: getattr(transformers, model)(config))
    module = module.encoder if name == "Whisper encoder" else module
    if shape != WORDS:
        return module, shape
    return module, {"input_ids": torch.randint(3, 90, shape, generator=torch.Generator().manual_seed(0))}


def _drawn(build: Callable[[], Any]) -> Any:
    """Module in which nothing that is trained is all zero, for a layer of zeros would hide what stands before it."""
    import torch

    torch.manual_seed(0)
    module = build().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.02)
    return module
