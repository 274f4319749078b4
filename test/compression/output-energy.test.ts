import assert from "node:assert/strict";
import { before, it } from "node:test";
import { outputEnergy, solveError } from "../../compression/solve-error.js";
import { secondMoment } from "../../compression/statistics.js";
import { loadBackend } from "../../tensor/backend.js";
import { collect, randomInputs, randomLayer, SEQUENCES } from "./random-layer.js";

before(loadBackend);

const layer = randomLayer(6, 40, 1);
const inputs = randomInputs(40, 2);
const moment = () => secondMoment(collect(inputs, 40, "secondMoment"));

it("a layer's energy is the sum of its squared outputs, in the units of H", () => {
  let energy = 0;
  for (let token = 0; token < inputs.length / 40; token++) {
    for (let row = 0; row < layer.rows; row++) {
      let output = 0;
      for (let j = 0; j < 40; j++) output += layer.weight[row * 40 + j] * inputs[token * 40 + j];
      energy += output ** 2;
    }
  }
  // H = (2/N) * sum of x^T x, in float32.
  assert.ok(Math.abs(outputEnergy(layer, moment()) / ((2 / SEQUENCES) * energy) - 1) < 1e-5);
});

it("what leaves nothing of a layer loses all of its energy", () => {
  const hessian = moment();
  const lost = solveError(layer, new Float32Array(layer.weight.length), hessian);
  assert.equal(lost, outputEnergy(layer, hessian));
});
