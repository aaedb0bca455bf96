"""Are features found, or made by the start? Dictionaries trained from different initialisations, latent by latent.

What is identifiable is found again from any start. So two dictionaries are matched one to one, such that the cosines of
matched latents add up to the most (Paulo & Belrose, arXiv 2501.16615), and the mean over the pairs is the MCC, the mean
correlation coefficient (Hyvärinen & Morioka, arXiv 1605.06336; of decoders: Song et al., arXiv 2505.20254). MMCS, mean
max cosine similarity (Sharkey et al., 2022), takes for each latent its nearest, which several may share. Unrelated
dictionaries have both above 0, the more so the more latents and the fewer dimensions they have: what random atoms give
is where these scales begin.

Cosines are signed. Codes of ReLU, TopK and thresholds are not negative, so an atom and its opposite are two features,
and so are latents of which each fires where the other does not. Where codes have both signs, the sign of an atom is the
start's: `either_sign` takes |cos|, as is usual for independent components.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from sieve.dictionary.gates import TopK
from sieve.dictionary.penalties import LEAST, STRIP
from sieve.dictionary.sae import Sae
from sieve.features.assignment import assign

CONSTANT = 1e-12  # share of its squares that a latent's variance must exceed, or it is rounding
BATCH = 1024  # rows whose codes are held at once


@dataclass(frozen=True)
class Matching:
    """Pairs of latents (P, 2) of the first and the second dictionary, by the first's number, and their cosines (P,).

    nearest: the largest cosine that each latent of either has with any of the other, (A,) and (B,); P = min(A, B).
    dead: how many latents of either were left out.
    """

    pairs: Tensor
    cosines: Tensor
    nearest: tuple[Tensor, Tensor]
    dead: tuple[int, int] = (0, 0)

    def figures(self) -> dict[str, float | None]:
        """mcc; mmcs from either side; shares of the pairs above .7 and .9; numbers of pairs and of dead latents.

        Means and shares are None where there are no pairs.
        """
        return {
            "dead_first": self.dead[0],
            "dead_second": self.dead[1],
            "matched_above_70": _mean(self.cosines > 0.7),
            "matched_above_90": _mean(self.cosines > 0.9),
            "mcc": _mean(self.cosines),
            "mmcs_first": _mean(self.nearest[0]),
            "mmcs_second": _mean(self.nearest[1]),
            "pairs": len(self.pairs),
        }


def match(first: Tensor, second: Tensor, either_sign: bool = False) -> Matching:
    """Match the atoms of two decoders, (F, D) and (G, D), by their cosines; lengths don't count.

    |F − G| latents of the larger one have no partner. Takes the F × G cosines as one matrix, which `nearest` does not.
    ValueError when the widths differ.
    """
    return _matched(_cosines(*_unit(first, second), either_sign))


def nearest(first: Tensor, second: Tensor, either_sign: bool = False) -> tuple[Tensor, Tensor]:
    """The largest cosine of each atom of two decoders, (F, D) and (G, D), with any of the other: (F,) and (G,).

    Their means are the MMCS. Exact, with a strip of the F × G cosines in memory. ValueError when the widths differ.
    """
    own, other = _unit(first, second)
    found, theirs = [], other.new_full((len(other),), -torch.inf)
    for atoms in own.split(max(1, STRIP // len(other))):
        strip = _cosines(atoms, other, either_sign)
        found.append(strip.amax(1))
        theirs = torch.maximum(theirs, strip.amax(0))
    return torch.cat(found), theirs


def match_codes(batches: Iterable[tuple[Tensor, Tensor]], either_sign: bool = False) -> Matching:
    """Match latents by the correlation (the cosine about the means) of their codes: (B, F) and (B, G) of equal rows.

    Latents that are 0 in all rows are dead and left out; one that is always equally active correlates with none, by 0.
    Sums are of float64, batch by batch, with a matrix of F × G. ValueError without rows, or when their numbers differ.
    """
    correlations, first, second = _correlations(batches)
    live = first.nonzero().flatten(), second.nonzero().flatten()
    correlations = correlations[live[0]][:, live[1]]
    found = _matched(correlations.abs_() if either_sign else correlations)
    pairs = torch.stack([numbers[column] for numbers, column in zip(live, found.pairs.unbind(1))], dim=1)
    return replace(found, pairs=pairs, dead=(len(first) - len(live[0]), len(second) - len(live[1])))


def compare(first: Sae, second: Sae, x: Tensor) -> dict[str, Matching]:
    """Two dictionaries of one site by all their atoms, by those that are live on x (B, D), and by their codes of x.

    A latent that fires in no row stays where its start put it and matches nothing. So over all atoms two dictionaries
    of which half is dead look half as alike as they are. Codes leave the dead out in any case. Their correlations take
    8 bytes for each of F × G, 2 GiB for 16,384 latents, and as much again for each copy without the dead (two at most
    at a time); larger dictionaries want a sample of latents, or `nearest` alone.
    """
    live = fired(first, x), fired(second, x)
    codes = ((first.encode(rows), second.encode(rows)) for rows in x.split(BATCH))
    dead = first.latents - len(live[0]), second.latents - len(live[1])
    return {
        "atoms": match(first.W_dec, second.W_dec),
        "live atoms": replace(match(first.W_dec[live[0]], second.W_dec[live[1]]), dead=dead),
        "codes": match_codes(codes),
    }


def fired(sae: Sae, x: Tensor) -> Tensor:
    """The numbers, ascending, of the latents that are active in any row of x (B, D)."""
    return torch.cat([sae.codes(rows).pairs.latents for rows in x.split(BATCH)]).unique()


def chance(like: Sae, x: Tensor, draw: torch.Generator) -> Sae:
    """A dictionary that knows nothing: as many random unit atoms as `like` has, which read what they write.

    As many of them are active in a row as there of `like`'s in the mean row of x (B, D), so that two such dictionaries
    have what the shape of things gives: also by codes, which are alike where rows are.
    """
    atoms = F.normalize(torch.randn(like.W_dec.shape, generator=draw).to(like.W_dec), dim=1)
    active = sum(len(like.codes(rows).values) for rows in x.split(BATCH)) / len(x)
    gate = TopK(max(1, round(active)))
    return replace(like, W_enc=atoms.T, b_enc=torch.zeros_like(like.b_enc), W_dec=atoms, gate=gate)


def _unit(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"the first dictionary's atoms have width {first.shape[1]}, the second's {second.shape[1]}; "
            "give two dictionaries of the same site"
        )
    return F.normalize(first.detach(), dim=1, eps=LEAST), F.normalize(second.detach(), dim=1, eps=LEAST)


def _cosines(first: Tensor, second: Tensor, either_sign: bool) -> Tensor:
    cosines = first @ second.T
    return cosines.abs_() if either_sign else cosines


def _matched(cosines: Tensor) -> Matching:
    """The pairs that `assign` chooses; with a dimension of 0 there are none, and nobody has a nearest."""
    rows, columns = assign(cosines.cpu().numpy())
    pairs = torch.stack([torch.from_numpy(rows), torch.from_numpy(columns)], dim=1).to(cosines.device)
    closest = (cosines.amax(1), cosines.amax(0)) if cosines.numel() else (cosines.new_empty(0), cosines.new_empty(0))
    return Matching(pairs, cosines[tuple(pairs.unbind(1))], closest)


def _correlations(batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
    """Correlations (F, G) of the codes of two dictionaries, and which latents of either are ever active, (F,), (G,)."""
    rows, moments, products = 0, None, None
    for codes in batches:
        if len(codes[0]) != len(codes[1]):
            raise ValueError(
                f"a batch has codes of {len(codes[0])} rows from the first dictionary and of {len(codes[1])} from the "
                "second; encode the same rows with both"
            )
        first, second = (z.detach().double() for z in codes)
        own = [first.sum(0), second.sum(0), first.square().sum(0), second.square().sum(0)]
        moments = own if moments is None else [total + more for total, more in zip(moments, own)]
        products = first.T @ second if products is None else products.addmm_(first.T, second)
        rows += len(first)
    if not rows or moments is None or products is None:
        raise ValueError("there are no rows, so codes cannot be compared; give batches of codes of the same rows")
    sums, squares = moments[:2], moments[2:]
    products.addr_(*sums, alpha=-1 / rows)
    for total, square, shape in zip(sums, squares, ((-1, 1), (1, -1))):
        spread = square - total.square() / rows
        products.mul_(torch.where(spread > CONSTANT * square, spread.rsqrt(), 0.0).view(shape))
    return products, squares[0] > 0, squares[1] > 0


def _mean(values: Tensor) -> float | None:
    return float(values.double().mean()) if len(values) else None
