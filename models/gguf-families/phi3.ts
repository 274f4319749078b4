import { decoderFamily, decoderKeys, decoderNames } from "./family.js";

export const phi3 = decoderFamily(
  "phi3",
  (file) => ({
    ...decoderKeys(file, "phi3", "Phi3ForCausalLM"),
    sliding_window: file.optional("attention.sliding_window") ?? null,
  }),
  { names: () => decoderNames({ attn_qkv: "self_attn.qkv_proj", ffn_up: "mlp.gate_up_proj" }) },
);
