"""Memory of feature vectors: greedy coreset and exact nearest neighbours, in blocks, on the device of the vectors."""

import torch

#: Entries of a block of distances, 64 MiB.
BLOCK = 2**24
#: Random vectors whose mean distance is where the greedy selection begins.
STARTS = 10


def coreset(vectors: torch.Tensor, count: int, rng: torch.Generator, projected: int = 128) -> torch.Tensor:
    """Indices (count,) of a subset that covers the vectors (n, d), greedily by the distance to those chosen.

    As published: distances after a random linear map to `projected` numbers (none for 0, or where vectors have no
    more), and at first mean distances to ten random vectors. These stay an upper bound of every later distance, so that
    early steps need not take the farthest vector. A vector is chosen once. The host does not wait for the device.
    """
    points, n = _projected(vectors - vectors.mean(dim=0), rng, projected), len(vectors)
    norms = points.square().sum(dim=1)
    starts = torch.randint(n, (min(STARTS, n),), generator=rng, device=vectors.device)
    nearest = torch.stack([_distances_to(points, norms, one.view(1)) for one in starts]).mean(dim=0)
    chosen = torch.empty(min(count, n), dtype=torch.int64, device=vectors.device)
    for i in range(len(chosen)):
        farthest = nearest.argmax().view(1)
        chosen[i : i + 1] = farthest
        nearest = torch.minimum(nearest, _distances_to(points, norms, farthest))
        nearest.scatter_(0, farthest, -1.0)  # below every distance
    return chosen


def _projected(vectors: torch.Tensor, rng: torch.Generator, size: int) -> torch.Tensor:
    if not 0 < size < vectors.shape[1]:
        return vectors
    matrix = torch.randn(vectors.shape[1], size, generator=rng, device=vectors.device) / size**0.5
    points: torch.Tensor = vectors @ matrix
    return points


def _distances_to(points: torch.Tensor, norms: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Distances (n,) of all points to one of them, by kept squared norms."""
    one = points.index_select(0, index)[0]
    return (norms - 2 * (points @ one) + norms.index_select(0, index)).clamp(min=0).sqrt()


def nearest_distances(queries: torch.Tensor, memory: torch.Tensor, k: int = 1) -> torch.Tensor:
    """Mean squared Euclidean distance (m,) of each query (m, d) to its k nearest entries of the memory (n, d).

    The nearest entries are found by squared norms and a product relative to the mean entry, up to the rounding of
    float32; their distances are those of the differences, so that a query that is in the memory has 0.
    """
    mean = memory.mean(dim=0)
    centred = memory - mean
    norms, rows = centred.square().sum(dim=1), max(1, BLOCK // len(memory))
    total = torch.zeros(len(queries), device=queries.device)
    for first in range(0, len(queries), rows):
        part = queries[first : first + rows]
        # without the norms of the queries, which change no order
        rough = ((part - mean) @ centred.T).mul_(-2).add_(norms)
        for one in _lowest(rough, min(k, len(memory))).unbind(dim=1):
            total[first : first + rows] += (part - memory.index_select(0, one)).square().sum(dim=1)
    return total / min(k, len(memory))


def _lowest(values: torch.Tensor, k: int) -> torch.Tensor:
    """Indices (m, k) of the k lowest values of each row; of one alone by its minimum, not by a partial sort."""
    return values.argmin(dim=1, keepdim=True) if k == 1 else values.topk(k, dim=1, largest=False).indices
