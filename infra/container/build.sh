#!/bin/sh
# Builds the checkout in the current folder where `npm ci` has run, then leaves of it what runs. The image's build calls it.
set -eu
[ ! -e .git ] || { echo "This is a work tree; build.sh would delete its sources." >&2; exit 1; }

TOUCHSTONE_HOME=$PWD/.touchstone node infra/bootstrap.mjs image
npm prune --omit=dev

# Not for running: other platforms' parts of Temporal's SDK, TensorFlow's headers, sources, their maps, tests.
platform=$(node --print '({ x64: "x86_64", arm64: "aarch64" })[process.arch]')-unknown-linux-gnu
find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$platform" -exec rm -r {} +
rm -rf .touchstone/downloads .touchstone/native/*/tensorflow/include node_modules/node-api-headers dist/test
find dist node_modules -name '*.map' -delete
find . -mindepth 1 -maxdepth 1 \
  ! -name .touchstone ! -name dist ! -name node_modules ! -name package.json ! -name studies ! -name LICENSE -exec rm -r {} +
