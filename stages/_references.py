"""Names in params.yaml that refer to each other: what is wrong with them, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stages._params import Contrast, Wiring


def unresolved(wiring: Wiring) -> Iterator[str]:
    """Names that refer to each other must exist: subjects, their origins, their sites."""
    captured, base, pulled = wiring.activations.sites, wiring.train.subjects, wiring.orthogonalize.subjects
    columns = wiring.orthogonalize.columns
    for name, subject in base.items():
        if subject.site not in captured:
            where = f"train.subjects.{name}.site"
            yield f"{where}: '{subject.site}' is not captured; activations.sites has {', '.join(captured)}"
    for name, child in pulled.items():
        where, origin = f"orthogonalize.subjects.{name}", base.get(child.sae)
        if origin is None:
            yield f"{where}.sae: '{child.sae}' is not in train.subjects; there are {', '.join(base)}"
        elif child.site != origin.site:
            yield f"{where}.site: given '{child.site}', but its sae '{child.sae}' is trained on '{origin.site}'"
        if origin and child.penalty == "raw_sampled" and columns > origin.latents:
            there = f"{name} draws so many of only {origin.latents} latents of '{child.sae}'"
            yield f"orthogonalize.columns: given {columns}, but {there}; lower columns"
    for name, adapted in wiring.adapt.subjects.items():
        if adapted.sae not in base | pulled:
            where, known = f"adapt.subjects.{name}.sae", ", ".join(base | pulled)
            yield f"{where}: '{adapted.sae}' is made by no earlier stage; there are {known}"
    also, ceiling = wiring.filter.concepts.get("also"), wiring.ceiling
    if isinstance(also, list) and ceiling.concept in also:
        yield f"filter.concepts.also: '{ceiling.concept}' is ceiling.concept, whose latents are chosen anyway; drop it"
    if not ceiling.pairs and (ceiling.position == "highest" or not re.search(r"_\d+$", ceiling.site)):
        yield (
            "ceiling.pairs: given 0, but a place is to be chosen by them; raise it, or give a site, such as "
            "resid_post_1, and a position, concept or last"
        )
    yield from _unlisted([*base, *pulled, *wiring.adapt.subjects], wiring.subjects)
    for name, pair in wiring.contrasts.items():
        where = f"contrasts.{name}"
        if name in wiring.subjects:
            yield f"{where}: there is a subject of that name; give the contrast another"
        if len(pair.of) != len(pair.over):
            yield f"{where}: {len(pair.of)} subjects of, {len(pair.over)} over; give one of each per seed"
        else:
            yield from _mispaired(where, pair, wiring)
        for own in dict.fromkeys([*pair.of, *pair.over]):
            if own not in wiring.subjects:
                yield f"{where}: '{own}' is no subject; there are {', '.join(wiring.subjects)}"


def _mispaired(where: str, contrast: Contrast, wiring: Wiring) -> Iterator[str]:
    """Pairs of one seed, a seed each, of two subjects; what comes from nowhere has no seed and is told elsewhere."""
    seeds = {own: _seed(own, wiring) for own in [*contrast.of, *contrast.over]}
    for of, over in zip(contrast.of, contrast.over):
        if of == over:
            yield f"{where}: '{of}' is compared with itself"
        elif None not in (seeds[of], seeds[over]) and seeds[of] != seeds[over]:
            yield f"{where}: '{of}' has seed {seeds[of]}, '{over}' {seeds[over]}; compare what has one seed"
    known = [seeds[own] for own in contrast.of if seeds[own] is not None]
    if len(set(known)) < len(known):
        yield f"{where}: of {', '.join(contrast.of)} some share a seed; give one subject per seed"


def _seed(subject: str, wiring: Wiring) -> int | None:
    """A subject's own seed: that of the base dictionary that it comes from. None for one that has none."""
    for made in (wiring.adapt.subjects, wiring.orthogonalize.subjects):
        subject = made[subject].sae if subject in made else subject
    return wiring.train.subjects[subject].seed if subject in wiring.train.subjects else None


def _unlisted(made: list[str], listed: list[str]) -> Iterator[str]:
    """Every subject has one maker and one place in the list."""
    for name in dict.fromkeys([*made, *listed]):
        if made.count(name) > 1:
            yield f"subjects: '{name}' is made by {made.count(name)} stages; give each its own name"
        if name not in made:
            yield f"subjects: '{name}' is listed, but no stage makes it; there are {', '.join(dict.fromkeys(made))}"
        elif listed.count(name) != 1:
            yield f"subjects: '{name}' is made, but listed {listed.count(name)} times; list it once"
