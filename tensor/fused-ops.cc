// TensorFlow operations of our own for the processor: what a transformer block does beside its matrix products, each in one pass
// over memory. TensorFlow's eager operations write every intermediate result out. Compiled with the binding and registered through
// TensorFlow's C interface when it is loaded; tensor/fused-ops.ts calls them.
//
// A row's result depends on that row alone, and an attention row's on the keys that it sees, bit for bit: sums go over 16 lanes in
// a fixed order, and threads share rows, never a sum.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <thread>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

// Compiled once for each kind of processor; which one runs is decided when the library is loaded.
#if defined(__x86_64__) && !defined(__clang__) && __GNUC__ >= 12
#define EVERY_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#elif defined(__x86_64__) && !defined(__clang__)
#define EVERY_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EVERY_PROCESSOR
#endif
#define INLINE static inline __attribute__((always_inline))

namespace {

constexpr int LANES = 16;
typedef float Vector __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t Integers __attribute__((vector_size(4 * LANES), aligned(4)));

/** Queries that pass over the keys together. */
constexpr int QUERIES = 8;
/** Of them, those whose results are added up together, and lanes of results at once: what fits the registers. */
constexpr int ADDED = 4;
constexpr int DEPTH = 4;
/** Values that are added up by themselves before they join the rest: long sums in float32 lose digits. */
constexpr int RUN = 16;
constexpr int KEYS = 64;
/** Tokens whose queries are one piece of work for a thread. */
constexpr int CHUNK = 256;

INLINE Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
INLINE void store(float* to, const Vector& value) { *reinterpret_cast<Vector*>(to) = value; }
INLINE Vector broadcast(float value) { return value - Vector{}; }

INLINE double sumOf(const Vector& value) {
  double sum = 0;
  for (int lane = 0; lane < LANES; lane++) sum += value[lane];
  return sum;
}

/** e^x to 2 units in the last place; 0 below e^-87, and no more than e^88. NaN stays NaN. */
INLINE Vector exponential(Vector x) {
  const Integers vanishes = x < -87.f;
  x = x > 88.f ? broadcast(88.f) : x;
  const Vector turns = (x * 1.44269504f + 12582912.f) - 12582912.f;
  // ln 2 in two parts, so that the first product is exact.
  const Vector rest = (x - turns * 0.693359375f) + turns * 2.12194440e-4f;
  Vector power = broadcast(1.9875691500e-4f);
  power = power * rest + 1.3981999507e-3f;
  power = power * rest + 8.3334519073e-3f;
  power = power * rest + 4.1665795894e-2f;
  power = power * rest + 1.6666665459e-1f;
  power = power * rest + 5.0000001201e-1f;
  power = power * rest * rest + rest + 1.f;
  const Integers exponent = (__builtin_convertvector(turns, Integers) + 127) << 23;
  return vanishes ? Vector{} : power * (Vector)exponent;
}

// Rows, `size` values each.

/** The sum of x - `shift`, or of its squares. */
template <bool squared>
INLINE double sumOfRow(const float* x, int64_t size, float shift) {
  const int64_t whole = size - size % LANES;
  double sum = 0;
  for (int64_t start = 0; start < whole; start += RUN * LANES) {
    const int64_t end = std::min(whole, start + RUN * LANES);
    Vector run{};
    for (int64_t i = start; i < end; i += LANES) {
      const Vector value = load(x + i) - shift;
      run += squared ? value * value : value;
    }
    sum += sumOf(run);
  }
  for (int64_t i = whole; i < size; i++) {
    const double value = x[i] - shift;
    sum += squared ? value * value : value;
  }
  return sum;
}

EVERY_PROCESSOR
void normalizeRows(const float* x, const float* weight, float* y, int64_t rows, int64_t size, float epsilon) {
  const int64_t whole = size - size % LANES;
  for (int64_t row = 0; row < rows; row++, x += size, y += size) {
    const float scale = 1 / std::sqrt(sumOfRow<true>(x, size, 0) / size + epsilon);
    for (int64_t i = 0; i < whole; i += LANES) store(y + i, load(x + i) * scale * load(weight + i));
    for (int64_t i = whole; i < size; i++) y[i] = x[i] * scale * weight[i];
  }
}

EVERY_PROCESSOR
void standardizeRows(const float* x, const float* weight, const float* bias, float* y, int64_t rows, int64_t size,
                     float epsilon) {
  for (int64_t row = 0; row < rows; row++, x += size, y += size) {
    const float mean = sumOfRow<false>(x, size, 0) / size;
    const float scale = 1 / std::sqrt(sumOfRow<true>(x, size, mean) / size + epsilon);
    for (int64_t i = 0; i < size; i++) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
  }
}

/** silu(gate) * up; or gelu(gate) * up with tanh for the error function, where 1 + tanh(u) = 2 / (1 + e^(-2u)). */
template <bool gelu>
INLINE Vector gated(const Vector& gate, const Vector& up) {
  const Vector turned = gelu ? 1.5957691216f * (gate + 0.044715f * gate * gate * gate) : gate;
  return gate / (1.f + exponential(-turned)) * up;
}

template <bool gelu>
INLINE void gateEach(const float* gate, const float* up, float* y, int64_t size) {
  const int64_t whole = size - size % LANES;
  for (int64_t i = 0; i < whole; i += LANES) store(y + i, gated<gelu>(load(gate + i), load(up + i)));
  if (whole == size) return;
  float tail[3][LANES] = {};
  std::copy(gate + whole, gate + size, tail[0]);
  std::copy(up + whole, up + size, tail[1]);
  store(tail[2], gated<gelu>(load(tail[0]), load(tail[1])));
  std::copy(tail[2], tail[2] + (size - whole), y + whole);
}

EVERY_PROCESSOR
void gateValues(const float* gate, const float* up, float* y, int64_t size, bool gelu) {
  if (gelu) return gateEach<true>(gate, up, y, size);
  gateEach<false>(gate, up, y, size);
}

/** Row-major tensors of an attention; rows of `parents` are tokens of one sequence's tree. */
struct Attention {
  const float *q, *k, *v, *cosine, *signedSine;
  /** Of each token; null where each token's is the one before. */
  const int32_t* parents;
  float* out;
  int64_t sequences, tokens, inTree, heads, keyValueHeads, headDim;
  /** Values of a head that are rotated, the first ones. */
  int64_t rotaryDim;
  /** Tokens that one sees, itself among them. */
  int64_t window;
};

/**
 * One key-value head of one sequence for some of its queries. The memory is kept from piece to piece and grows with the chain: what
 * it holds beyond the chain and beyond headDim is never part of a result.
 */
struct Piece {
  /** headDim, filled up to as many lanes as are added up at once. */
  int64_t depth;
  /** Of positions in the current chain: its tokens, keys in panels [depth, LANES] and values [depth]. */
  std::vector<int32_t> chain;
  std::vector<float> keys, values;
  /** Tokens from the current one up to its sequence's first. */
  std::vector<int32_t> path;
  /** [QUERIES, depth] and [QUERIES, keys seen] */
  std::vector<float> queries, scores;

  explicit Piece(const Attention& a) : depth((a.headDim + DEPTH * LANES - 1) / (DEPTH * LANES) * DEPTH * LANES) {
    queries.resize(QUERIES * depth);
  }

  float* key(int64_t position) { return keys.data() + position / LANES * LANES * depth + position % LANES; }
  float* value(int64_t position) { return values.data() + position * depth; }

  /** Room for so many positions, in whole panels. */
  void reserve(int64_t positions) {
    const size_t size = (positions + LANES - 1) / LANES * LANES * depth;
    if (keys.size() >= size) return;
    keys.resize(size);
    values.resize(size);
  }
};

/** x * cos + (x with its halves swapped) * sin, where x is rotated, times `scale`, each `step` values apart. */
INLINE void rotate(const Attention& a, const float* x, int64_t token, float scale, float* to, int64_t step) {
  const int64_t half = a.rotaryDim / 2;
  const float* cosine = a.cosine + token * a.rotaryDim;
  const float* sine = a.signedSine + token * a.rotaryDim;
  for (int64_t i = 0; i < half; i++) {
    to[i * step] = (x[i] * cosine[i] + x[i + half] * sine[i]) * scale;
    to[(i + half) * step] = (x[i + half] * cosine[i + half] + x[i] * sine[i + half]) * scale;
  }
  for (int64_t i = a.rotaryDim; i < a.headDim; i++) to[i * step] = x[i] * scale;
}

/** Makes the chain end with `token`: what it shares with the one before stays. @returns the token's position */
INLINE int64_t follow(const Attention& a, Piece& piece, int64_t sequence, int64_t head, int32_t token) {
  piece.path.clear();
  int32_t next = token;
  const auto inChain = [&](int32_t each) {
    return std::find(piece.chain.rbegin(), piece.chain.rend(), each) != piece.chain.rend();
  };
  while (next >= 0 && !inChain(next)) {
    piece.path.push_back(next);
    next = a.parents == nullptr ? next - 1 : a.parents[next];
  }
  while (!piece.chain.empty() && piece.chain.back() != next) piece.chain.pop_back();
  for (auto each = piece.path.rbegin(); each != piece.path.rend(); ++each) {
    const int64_t position = piece.chain.size();
    const int64_t row = ((sequence * a.tokens + *each) * a.keyValueHeads + head) * a.headDim;
    piece.reserve(position + 1);
    rotate(a, a.k + row, *each, 1, piece.key(position), LANES);
    std::copy(a.v + row, a.v + row + a.headDim, piece.value(position));
    piece.chain.push_back(*each);
  }
  return piece.chain.size() - 1;
}

struct Query {
  int32_t token;
  int64_t head;
  /** Positions of the keys that it sees: from the first to before the end. */
  int64_t first, end;
};

/** Where a token's row of one head begins in q and out. */
INLINE int64_t rowOf(const Attention& a, int64_t sequence, const Query& asked) {
  return ((sequence * a.tokens + asked.token) * a.heads + asked.head) * a.headDim;
}

/** q k^T of all queries with a panel of keys; a row of scores is `width` long. */
INLINE void scorePanel(const float* queries, const float* keys, int64_t headDim, int64_t depth, float* scores, int64_t width) {
  Vector sums[QUERIES] = {};
  for (int64_t start = 0; start < headDim; start += RUN) {
    const int64_t end = std::min<int64_t>(headDim, start + RUN);
    Vector run[QUERIES] = {};
    for (int64_t i = start; i < end; i++) {
      const Vector key = load(keys + i * LANES);
#pragma GCC unroll 8
      for (int q = 0; q < QUERIES; q++) run[q] += queries[q * depth + i] * key;
    }
#pragma GCC unroll 8
    for (int q = 0; q < QUERIES; q++) sums[q] += run[q];
  }
#pragma GCC unroll 8
  for (int q = 0; q < QUERIES; q++) store(scores + q * width, sums[q]);
}

/** e^(score - the largest) of the keys seen, 0 of the others from `start` to `width`. @returns their sum */
INLINE double toShares(float* scores, const Query& asked, int64_t start, int64_t width) {
  std::fill(scores + start, scores + asked.first, -std::numeric_limits<float>::infinity());
  std::fill(scores + asked.end, scores + width, -std::numeric_limits<float>::infinity());
  Vector most = load(scores + start);
  for (int64_t key = start + LANES; key < width; key += LANES)
    most = load(scores + key) > most ? load(scores + key) : most;
  float largest = most[0];
  for (int lane = 1; lane < LANES; lane++) largest = std::max(largest, most[lane]);
  Vector total{};
  for (int64_t key = start; key < width; key += LANES) {
    const Vector share = exponential(load(scores + key) - largest);
    store(scores + key, share);
    total += share;
  }
  return sumOf(total);
}

/** Sums of values times shares, of ADDED rows of shares and as many lanes as are added up at once. */
INLINE void addValues(const float* shares, int64_t width, const float* values, int64_t depth, int64_t first, int64_t reach,
                      Vector (&sums)[ADDED][DEPTH]) {
  for (int64_t start = first; start < reach; start += KEYS) {
    const int64_t end = std::min<int64_t>(reach, start + KEYS);
    Vector run[ADDED][DEPTH] = {};
    for (int64_t key = start; key < end; key++) {
      const float* value = values + key * depth;
#pragma GCC unroll 4
      for (int q = 0; q < ADDED; q++) {
#pragma GCC unroll 4
        for (int lane = 0; lane < DEPTH; lane++) run[q][lane] += shares[q * width + key] * load(value + lane * LANES);
      }
    }
    for (int q = 0; q < ADDED; q++) {
      for (int lane = 0; lane < DEPTH; lane++) sums[q][lane] += run[q][lane];
    }
  }
}

/** Some queries, of tokens of the current chain in their order, over the keys up to each of them. */
INLINE void attend(const Attention& a, Piece& piece, int64_t sequence, const Query* asked, int count) {
  const int64_t depth = piece.depth;
  const float scale = 1 / std::sqrt(static_cast<float>(a.headDim));
  for (int q = 0; q < count; q++)
    rotate(a, a.q + rowOf(a, sequence, asked[q]), asked[q].token, scale, piece.queries.data() + q * depth, 1);
  // Where a run of keys begins, so that what is skipped would have added zeros alone.
  const int64_t start = asked[0].first / KEYS * KEYS;
  const int64_t width = (asked[count - 1].end + LANES - 1) / LANES * LANES;
  if (piece.scores.size() < static_cast<size_t>(QUERIES * width)) piece.scores.resize(QUERIES * width);
  float* scores = piece.scores.data();
  for (int64_t first = start; first < width; first += LANES)
    scorePanel(piece.queries.data(), piece.keys.data() + first * depth, a.headDim, depth, scores + first, width);
  float inverses[QUERIES] = {};
  for (int q = 0; q < count; q++) inverses[q] = static_cast<float>(1 / toShares(scores + q * width, asked[q], start, width));
  for (int first = 0; first < count; first += ADDED) {
    const int end = std::min(count, first + ADDED);
    for (int64_t at = 0; at < depth; at += DEPTH * LANES) {
      Vector sums[ADDED][DEPTH] = {};
      addValues(scores + first * width, width, piece.values.data() + at, depth, start, asked[end - 1].end, sums);
      const int64_t lanes = std::min<int64_t>(DEPTH * LANES, a.headDim - at);
      for (int q = first; q < end; q++) {
        float results[DEPTH * LANES];
        for (int lane = 0; lane < DEPTH; lane++) store(results + lane * LANES, sums[q - first][lane] * inverses[q]);
        std::copy(results, results + lanes, a.out + rowOf(a, sequence, asked[q]) + at);
      }
    }
  }
}

EVERY_PROCESSOR
void attendChunk(const Attention& a, Piece& piece, int64_t sequence, int64_t head, int64_t start, int64_t end) {
  const int64_t group = a.heads / a.keyValueHeads;
  piece.chain.clear();
  Query asked[QUERIES];
  int count = 0;
  for (int32_t token = start; token < end; token++) {
    const bool goesOn = token > start && (a.parents == nullptr || a.parents[token] == token - 1);
    if (!goesOn && count > 0) {
      attend(a, piece, sequence, asked, count);
      count = 0;
    }
    const int64_t position = follow(a, piece, sequence, head, token);
    for (int64_t i = 0; i < group; i++) {
      asked[count++] = {token, head * group + i, std::max<int64_t>(0, position + 1 - a.window), position + 1};
      if (count < QUERIES) continue;
      attend(a, piece, sequence, asked, count);
      count = 0;
    }
  }
  if (count > 0) attend(a, piece, sequence, asked, count);
}

// Probabilities.

/** Columns whose rows are read together, and rows after which the largest so far is looked at: what stays in the cache. */
constexpr int GROUPS = 4;
constexpr int64_t ROWS = 256;

/** Of a column of logits: the largest, the first row that has it, and the sum of e^(logit - largest). */
struct Column {
  float largest = -std::numeric_limits<float>::infinity();
  int64_t best = 0;
  double total = 0;
};

/**
 * Some rows more of LANES columns, `step` values apart. NaN makes a total NaN.
 * @param most the largest of these rows, each column's
 */
INLINE void addRows(const float* logits, int64_t step, int64_t first, int64_t count, const Vector& most, Column* columns) {
  float largest[LANES];
  for (int lane = 0; lane < LANES; lane++) {
    Column& column = columns[lane];
    largest[lane] = column.largest;
    if (!(most[lane] > column.largest)) continue;
    column.total *= std::exp(static_cast<double>(column.largest) - most[lane]);
    column.largest = largest[lane] = most[lane];
    int64_t row = 0;
    while (logits[row * step + lane] != most[lane]) row++;
    column.best = first + row;
  }
  const Vector shift = load(largest);
  for (int64_t start = 0; start < count; start += RUN) {
    const int64_t end = std::min<int64_t>(count, start + RUN);
    Vector run{};
    for (int64_t row = start; row < end; row++) run += exponential(load(logits + row * step) - shift);
    for (int lane = 0; lane < LANES; lane++) columns[lane].total += run[lane];
  }
}

/** Columns `first` to `first` + groups * LANES of `rows` rows, `step` values apart. */
EVERY_PROCESSOR
void sumColumns(const float* logits, int64_t rows, int64_t step, int groups, Column* columns) {
  for (int64_t start = 0; start < rows; start += ROWS) {
    const int64_t count = std::min(ROWS, rows - start);
    const float* block = logits + start * step;
    Vector most[GROUPS];
    for (int group = 0; group < groups; group++) most[group] = load(block + group * LANES);
    for (int64_t row = 1; row < count; row++) {
      for (int group = 0; group < groups; group++) {
        const Vector value = load(block + row * step + group * LANES);
        most[group] = value > most[group] ? value : most[group];
      }
    }
    for (int group = 0; group < groups; group++)
      addRows(block + group * LANES, step, start, count, most[group], columns + group * LANES);
  }
}

// Threads.

/** As many as TensorFlow's operations have. */
int threadCount() {
  static const int count = [] {
    const char* set = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int number = set == nullptr ? 0 : std::atoi(set);
    return number > 0 ? number : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  }();
  return count;
}

/** Does the pieces 0 .. count - 1, whoever is free the next. */
void shareOut(int64_t count, const std::function<void(const std::function<int64_t()>&)>& work) {
  std::atomic<int64_t> next{0};
  const std::function<int64_t()> take = [&] {
    const int64_t piece = next++;
    return piece < count ? piece : -1;
  };
  std::vector<std::thread> others;
  for (int i = 1; i < std::min<int64_t>(threadCount(), count); i++) others.emplace_back([&] { work(take); });
  work(take);
  for (auto& each : others) each.join();
}

/** Values that one thread takes at a time: less is not worth a thread. */
constexpr int64_t SHARE = 1 << 16;

// TensorFlow's side.

struct Input {
  TF_Tensor* tensor = nullptr;
  Input(TF_OpKernelContext* context, int index, TF_Status* status) { TF_GetInput(context, index, &tensor, status); }
  Input(const Input&) = delete;
  ~Input() { TF_DeleteTensor(tensor); }
  const float* floats() const { return static_cast<const float*>(TF_TensorData(tensor)); }
  int64_t size(int axis) const { return TF_Dim(tensor, axis); }
  int64_t last() const { return TF_Dim(tensor, TF_NumDims(tensor) - 1); }
  int64_t elements() const { return TF_TensorElementCount(tensor); }
};

struct Output {
  TF_Tensor* tensor;
  Output(TF_OpKernelContext* context, const std::vector<int64_t>& shape, TF_Status* status) {
    size_t bytes = sizeof(float);
    for (const int64_t size : shape) bytes *= size;
    tensor = TF_AllocateOutput(context, 0, TF_FLOAT, shape.data(), static_cast<int>(shape.size()), bytes, status);
  }
  /** Of the shape of `like`. */
  Output(TF_OpKernelContext* context, const Input& like, TF_Status* status) : Output(context, shapeOf(like), status) {}
  Output(const Output&) = delete;
  ~Output() { TF_DeleteTensor(tensor); }
  float* floats() const { return static_cast<float*>(TF_TensorData(tensor)); }

 private:
  static std::vector<int64_t> shapeOf(const Input& like) {
    std::vector<int64_t> shape;
    for (int axis = 0; axis < TF_NumDims(like.tensor); axis++) shape.push_back(like.size(axis));
    return shape;
  }
};

struct Settings {
  float epsilon = 0;
  int32_t heads = 0, keyValueHeads = 0, window = 0, gelu = 0;
};

void fail(TF_OpKernelContext* context, TF_Status* status, const char* what) {
  TF_SetStatus(status, TF_INVALID_ARGUMENT, what);
  TF_OpKernelContext_Failure(context, status);
}

/** What is done to rows of x, some at a time: `work(x, y, rows)`. */
void overRows(const Input& x, const Output& y, const std::function<void(const float*, float*, int64_t)>& work) {
  const int64_t size = std::max<int64_t>(1, x.last());
  const int64_t rows = x.elements() / size;
  const int64_t each = std::max<int64_t>(1, SHARE / size);
  shareOut((rows + each - 1) / each, [&](const std::function<int64_t()>& take) {
    for (int64_t piece; (piece = take()) >= 0;) {
      const int64_t at = piece * each * size;
      work(x.floats() + at, y.floats() + at, std::min(each, rows - piece * each));
    }
  });
}

void computeRmsNorm(const Settings& settings, TF_OpKernelContext* context, TF_Status* status) {
  const Input x(context, 0, status), weight(context, 1, status);
  if (weight.elements() != x.last()) return fail(context, status, "the norm's weight is not as long as a row");
  const Output y(context, x, status);
  overRows(x, y, [&](const float* from, float* to, int64_t rows) {
    normalizeRows(from, weight.floats(), to, rows, x.last(), settings.epsilon);
  });
}

void computeLayerNorm(const Settings& settings, TF_OpKernelContext* context, TF_Status* status) {
  const Input x(context, 0, status), weight(context, 1, status), bias(context, 2, status);
  if (weight.elements() != x.last() || bias.elements() != x.last())
    return fail(context, status, "the norm's weight and bias are not as long as a row");
  const Output y(context, x, status);
  overRows(x, y, [&](const float* from, float* to, int64_t rows) {
    standardizeRows(from, weight.floats(), bias.floats(), to, rows, x.last(), settings.epsilon);
  });
}

void computeGate(const Settings& settings, TF_OpKernelContext* context, TF_Status* status) {
  const Input gate(context, 0, status), up(context, 1, status);
  const int64_t size = gate.elements();
  if (up.elements() != size) return fail(context, status, "gate and up differ in size");
  const Output y(context, gate, status);
  shareOut((size + SHARE - 1) / SHARE, [&](const std::function<int64_t()>& take) {
    for (int64_t piece; (piece = take()) >= 0;) {
      const int64_t at = piece * SHARE;
      gateValues(gate.floats() + at, up.floats() + at, y.floats() + at, std::min(SHARE, size - at), settings.gelu != 0);
    }
  });
}

void computeAttention(const Settings& settings, TF_OpKernelContext* context, TF_Status* status) {
  const Input q(context, 0, status), k(context, 1, status), v(context, 2, status);
  const Input cosine(context, 3, status), signedSine(context, 4, status), parents(context, 5, status);
  const Output out(context, q, status);
  Attention a;
  a.q = q.floats(), a.k = k.floats(), a.v = v.floats(), a.out = out.floats();
  a.cosine = cosine.floats(), a.signedSine = signedSine.floats();
  a.sequences = q.size(0), a.tokens = q.size(1), a.heads = settings.heads, a.keyValueHeads = settings.keyValueHeads;
  a.headDim = q.size(2) / a.heads;
  const bool isTree = parents.elements() > 0;
  a.parents = isTree ? static_cast<const int32_t*>(TF_TensorData(parents.tensor)) : nullptr;
  a.inTree = isTree ? parents.elements() : a.tokens;
  a.rotaryDim = cosine.last();
  a.window = settings.window > 0 ? settings.window : a.tokens;
  const int64_t keys = a.sequences * a.tokens * a.keyValueHeads * a.headDim;
  const int64_t angles = a.tokens * a.rotaryDim;
  if (k.elements() != keys || v.elements() != keys || cosine.elements() < angles || signedSine.elements() < angles ||
      a.inTree > a.tokens || (isTree && a.sequences != 1) || a.rotaryDim % 2 != 0 || a.rotaryDim > a.headDim)
    return fail(context, status, "the attention's shapes do not fit one another");
  for (int64_t token = 0; isTree && token < a.inTree; token++)
    if (a.parents[token] >= token || a.parents[token] < -1)
      return fail(context, status, "a token's parent does not stand before it");
  const int64_t width = a.heads * a.headDim;
  std::fill(a.out + a.inTree * width, a.out + (isTree ? a.tokens * width : a.inTree * width), 0.f);
  const int64_t chunks = (a.inTree + CHUNK - 1) / CHUNK;
  shareOut(a.sequences * a.keyValueHeads * chunks, [&](const std::function<int64_t()>& take) {
    Piece piece(a);
    for (int64_t index; (index = take()) >= 0;) {
      // Later chunks see more keys: they come first, so that no thread is left with one alone.
      const int64_t start = (chunks - 1 - index / (a.sequences * a.keyValueHeads)) * CHUNK;
      const int64_t head = index % a.keyValueHeads;
      const int64_t sequence = index / a.keyValueHeads % a.sequences;
      attendChunk(a, piece, sequence, head, start, std::min(a.inTree, start + CHUNK));
    }
  });
}

void deleteSettings(void* settings) { delete static_cast<Settings*>(settings); }

template <void (*compute)(const Settings&, TF_OpKernelContext*, TF_Status*)>
void computeWith(void* settings, TF_OpKernelContext* context) {
  TF_Status* status = TF_NewStatus();
  compute(*static_cast<Settings*>(settings), context, status);
  TF_DeleteStatus(status);
}

void computeLogSoftmax(const Settings&, TF_OpKernelContext* context, TF_Status* status) {
  const Input logits(context, 0, status), column(context, 1, status), row(context, 2, status);
  const int64_t rows = logits.size(0), columns = logits.size(1), targets = column.elements();
  if (columns % LANES != 0 || row.elements() != targets)
    return fail(context, status, "the columns are no multiple of 16, or the targets' rows and columns differ in number");
  const auto* columnOf = static_cast<const int32_t*>(TF_TensorData(column.tensor));
  const auto* rowOf = static_cast<const int32_t*>(TF_TensorData(row.tensor));
  for (int64_t i = 0; i < targets; i++)
    if (columnOf[i] < 0 || columnOf[i] >= columns || rowOf[i] < 0 || rowOf[i] >= rows)
      return fail(context, status, "a target is beyond the logits");
  std::vector<Column> summed(columns);
  constexpr int64_t each = GROUPS * LANES;
  shareOut((columns + each - 1) / each, [&](const std::function<int64_t()>& take) {
    for (int64_t piece; (piece = take()) >= 0;) {
      const int64_t at = piece * each;
      const int groups = static_cast<int>(std::min(each, columns - at) / LANES);
      sumColumns(logits.floats() + at, rows, columns, groups, summed.data() + at);
    }
  });
  const Output y(context, {targets, 3}, status);
  for (int64_t i = 0; i < targets; i++) {
    const Column& found = summed[columnOf[i]];
    const float logit = logits.floats()[rowOf[i] * columns + columnOf[i]];
    y.floats()[3 * i] = logit - found.largest;
    y.floats()[3 * i + 1] = static_cast<float>(found.total);
    y.floats()[3 * i + 2] = found.best == rowOf[i] && logit == found.largest;
  }
}

/** Attributes of an operation and where its settings have them. */
struct NormAttributes {
  static void read(TF_OpKernelConstruction* from, Settings* to, TF_Status* status) {
    TF_OpKernelConstruction_GetAttrFloat(from, "epsilon", &to->epsilon, status);
  }
};

struct GateAttributes {
  static void read(TF_OpKernelConstruction* from, Settings* to, TF_Status* status) {
    TF_OpKernelConstruction_GetAttrInt32(from, "gelu", &to->gelu, status);
  }
};

struct NoAttributes {
  static void read(TF_OpKernelConstruction*, Settings*, TF_Status*) {}
};

struct AttentionAttributes {
  static void read(TF_OpKernelConstruction* from, Settings* to, TF_Status* status) {
    TF_OpKernelConstruction_GetAttrInt32(from, "heads", &to->heads, status);
    TF_OpKernelConstruction_GetAttrInt32(from, "key_value_heads", &to->keyValueHeads, status);
    TF_OpKernelConstruction_GetAttrInt32(from, "window", &to->window, status);
  }
};

template <typename Attributes>
void* createSettings(TF_OpKernelConstruction* construction) {
  auto* settings = new Settings();
  TF_Status* status = TF_NewStatus();
  Attributes::read(construction, settings, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return settings;
}

void unknownShape(TF_ShapeInferenceContext*, TF_Status*) {}

void registerOperation(const char* name, std::initializer_list<const char*> inputs, std::initializer_list<const char*> attributes,
                       void* (*create)(TF_OpKernelConstruction*), void (*compute)(void*, TF_OpKernelContext*)) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  TF_OpDefinitionBuilderAddOutput(definition, "y: float");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, &unknownShape);
  TF_RegisterOpDefinition(definition, status);
  TF_KernelBuilder* kernel = TF_NewKernelBuilder(name, "CPU", create, compute, &deleteSettings);
  TF_RegisterKernelBuilder(name, kernel, status);
  TF_DeleteStatus(status);
}

const bool registered = [] {
  registerOperation("TouchstoneRmsNorm", {"x: float", "weight: float"}, {"epsilon: float"},
                    &createSettings<NormAttributes>, &computeWith<computeRmsNorm>);
  registerOperation("TouchstoneLayerNorm", {"x: float", "weight: float", "bias: float"}, {"epsilon: float"},
                    &createSettings<NormAttributes>, &computeWith<computeLayerNorm>);
  registerOperation("TouchstoneGate", {"gate: float", "up: float"}, {"gelu: int"}, &createSettings<GateAttributes>,
                    &computeWith<computeGate>);
  registerOperation("TouchstoneLogSoftmax", {"logits: float", "column: int32", "row: int32"}, {},
                    &createSettings<NoAttributes>, &computeWith<computeLogSoftmax>);
  registerOperation("TouchstoneAttention",
                    {"q: float", "k: float", "v: float", "cosine: float", "signed_sine: float", "parents: int32"},
                    {"heads: int", "key_value_heads: int", "window: int"}, &createSettings<AttentionAttributes>,
                    &computeWith<computeAttention>);
  return true;
}();

}  // namespace
