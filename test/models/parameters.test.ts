import assert from "node:assert/strict";
import { test } from "node:test";
import { countParameters } from "../../models/parameters.js";
import { architectureOf } from "../../models/registry.js";
import { SMALL_CONFIG, smallWeights } from "./small-model.js";

test("parameters are all values of all weights that a configuration calls for; tied embeddings count once", () => {
  for (const tied of [false, true]) {
    const huggingFace = { ...SMALL_CONFIG, tie_word_embeddings: tied };
    const architecture = architectureOf(huggingFace, "test");
    const config = architecture.readConfig(huggingFace, "test");
    const values = Array.from(smallWeights(huggingFace).values(), ({ data }) => data.length);
    assert.equal(
      countParameters({ architecture, config }),
      values.reduce((sum, length) => sum + length, 0),
    );
  }
});
