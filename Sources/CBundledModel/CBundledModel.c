// The files of `model/`, embedded by the C23 directive #embed. training/export_model.py writes
// that folder; docs/embedded-model.md says what is in it.

#include "CBundledModel.h"

#define CBUNDLEDMODEL_BYTES _Alignas(64) static const unsigned char

CBUNDLEDMODEL_BYTES model_index[] = {
#embed "model/model_index.json"
};
CBUNDLEDMODEL_BYTES lora_weights[] = {
#embed "model/pytorch_lora_weights.safetensors"
};
CBUNDLEDMODEL_BYTES scheduler_config[] = {
#embed "model/scheduler/scheduler_config.json"
};
CBUNDLEDMODEL_BYTES text_encoder_config[] = {
#embed "model/text_encoder/config.json"
};
CBUNDLEDMODEL_BYTES text_encoder_weights[] = {
#embed "model/text_encoder/model.safetensors"
};
CBUNDLEDMODEL_BYTES tokenizer_merges[] = {
#embed "model/tokenizer/merges.txt"
};
CBUNDLEDMODEL_BYTES tokenizer_special_tokens[] = {
#embed "model/tokenizer/special_tokens_map.json"
};
CBUNDLEDMODEL_BYTES tokenizer_config[] = {
#embed "model/tokenizer/tokenizer_config.json"
};
CBUNDLEDMODEL_BYTES tokenizer_vocabulary[] = {
#embed "model/tokenizer/vocab.json"
};
CBUNDLEDMODEL_BYTES unet_config[] = {
#embed "model/unet/config.json"
};
CBUNDLEDMODEL_BYTES unet_weights[] = {
#embed "model/unet/diffusion_pytorch_model.safetensors"
};
CBUNDLEDMODEL_BYTES vae_config[] = {
#embed "model/vae/config.json"
};
CBUNDLEDMODEL_BYTES vae_weights[] = {
#embed "model/vae/diffusion_pytorch_model.safetensors"
};

const cbundledmodel_file cbundledmodel_files[] = {
    {"model_index.json", model_index, sizeof model_index},
    {"pytorch_lora_weights.safetensors", lora_weights, sizeof lora_weights},
    {"scheduler/scheduler_config.json", scheduler_config, sizeof scheduler_config},
    {"text_encoder/config.json", text_encoder_config, sizeof text_encoder_config},
    {"text_encoder/model.safetensors", text_encoder_weights, sizeof text_encoder_weights},
    {"tokenizer/merges.txt", tokenizer_merges, sizeof tokenizer_merges},
    {"tokenizer/special_tokens_map.json", tokenizer_special_tokens, sizeof tokenizer_special_tokens},
    {"tokenizer/tokenizer_config.json", tokenizer_config, sizeof tokenizer_config},
    {"tokenizer/vocab.json", tokenizer_vocabulary, sizeof tokenizer_vocabulary},
    {"unet/config.json", unet_config, sizeof unet_config},
    {"unet/diffusion_pytorch_model.safetensors", unet_weights, sizeof unet_weights},
    {"vae/config.json", vae_config, sizeof vae_config},
    {"vae/diffusion_pytorch_model.safetensors", vae_weights, sizeof vae_weights},
};
const size_t cbundledmodel_file_count = sizeof cbundledmodel_files / sizeof cbundledmodel_files[0];
