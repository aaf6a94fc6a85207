"""The county's space: blocks, and what they make up: municipalities, Sozialräume, districts, PLZ.

Blocks are the cells of a Voronoi diagram of scattered points. Every area is a union of whole
blocks, so that areas of one kind share their borders exactly and those of two kinds cross as they
like. No real border is used: municipalities lie around their centres and have their size.
Streets, addresses and people are not here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from sources.simulator.profile import Profile, Umbau

BLOCK_M = 350
"""Distance of the blocks' points on average, in metres."""

MIN_AREA, MAX_AREA = 600, 14_000
"""Inhabitants of a Sozialraum at scale 1, but for the smallest one of the county."""

TINY_AREA = 110
"""Inhabitants of the county's smallest Sozialraum at scale 1."""

SIZE_TOLERANCE = 0.01
"""By which share of its surface a municipality may be larger or smaller than in the profile."""

ROUGHNESS = 0.35
"""Standard deviation of what neither centre nor neighbourhood explains in a block."""

_NAME_STEMS = (
    "Alt", "Neu", "Ober", "Unter", "Nord", "Süd", "Ost", "West", "Mittel", "Hinter", "Vorder",
    "Hohen", "Nieder", "Linden", "Eichen", "Birken", "Buchen", "Erlen", "Mühlen", "Kirch",
    "Schloss", "Rosen", "Wiesen", "Stein", "Sand", "Lehm", "Brunnen", "Burg", "Hammer", "Kloster",
)  # fmt: skip
_NAME_ENDS = (
    "feld", "berg", "bach", "heide", "hof", "hausen", "rath", "weiler", "dorf", "bruch", "tal",
    "wald",
)  # fmt: skip


@dataclass(frozen=True)
class Space:
    """The county's space.

    Attributes:
        blocks: one row for each block: x, y (its point, EPSG:25832), geometry, kommune (position
            in the profile), atom (smallest piece of a Sozialraum), gewicht (share of its
            municipality's inhabitants), deprivation (0 to 1), bezirk (-1: none), plz.
        kommunen: kommune_id, name, geometry.
        sozialraeume: raum_id, gebietsstand, kommune_id, raum_name, geometry, deprivation.
        bezirke: bezirk_id, name, geometry; empty where no municipality has its own.
        raeume: by Gebietsstand, for each block the raum_id.
    """

    blocks: pd.DataFrame
    kommunen: pd.DataFrame
    sozialraeume: pd.DataFrame
    bezirke: pd.DataFrame
    raeume: dict[str, np.ndarray]


def make_space(profile: Profile, rng: np.random.Generator) -> Space:
    """Make the county's space. All areas are in EPSG:25832."""
    blocks = _blocks(profile, rng)
    blocks["gewicht"] = _density(profile, blocks, rng)
    atoms, blocks["atom"] = _atoms(profile, blocks, rng)
    raeume = _raeume(profile, blocks, atoms)
    blocks["gewicht"] = _balanced(profile, blocks, raeume[profile.gebietsstaende[-1].gebietsstand])
    field = _deprivation_field(blocks, rng)
    newest = raeume[profile.gebietsstaende[-1].gebietsstand]
    blocks["deprivation"] = _by_area(field, blocks, newest)
    blocks["plz"] = _postcodes(profile, blocks, rng)
    blocks["bezirk"] = _districts(profile, blocks, rng)
    return Space(
        blocks=blocks,
        kommunen=_kommunen(profile, blocks),
        sozialraeume=_sozialraeume(profile, blocks, raeume, rng),
        bezirke=_bezirke(profile, blocks),
        raeume=raeume,
    )


def _centres(profile: Profile) -> np.ndarray:
    return np.array([kommune.zentrum for kommune in profile.kommunen]) * 1000.0


def _blocks(profile: Profile, rng: np.random.Generator) -> pd.DataFrame:
    """Scatter points over a belt around the centres that is as large as the county, give each to
    a municipality and make its Voronoi cell.
    """
    centres = _centres(profile)
    margin = 15_000
    west, south = centres.min(axis=0) - margin
    east, north = centres.max(axis=0) + margin
    grid = np.stack(
        np.meshgrid(np.arange(west, east, BLOCK_M), np.arange(south, north, BLOCK_M)), axis=-1
    ).reshape(-1, 2)
    points = grid + rng.uniform(-0.45, 0.45, grid.shape) * BLOCK_M
    total = round(sum(kommune.km2 for kommune in profile.kommunen) * 1e6 / BLOCK_M**2)
    hull = shapely.convex_hull(shapely.multipoints(centres))
    distance = shapely.distance(hull, shapely.points(points))
    distance += 1e-3 * np.hypot(*(points - centres.mean(axis=0)).T)  # ties inside the hull
    nearest = np.argsort(distance, kind="stable")
    inside, around = nearest[:total], nearest[total : total * 2]
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(points[np.r_[inside, around]]), ordered=True)
    )[:total]
    x, y = points[inside].T
    order = np.lexsort((x, y))
    frame = pd.DataFrame({"x": x[order], "y": y[order]})
    frame["geometry"] = cells[order]
    targets = np.array([kommune.km2 for kommune in profile.kommunen]) * 1e6
    frame["kommune"] = _power_cells(points[inside][order], centres, targets)
    return frame


def _power_cells(points: np.ndarray, centres: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Assign each point to a centre so that each centre gets about its share of the points.

    A power diagram: the cells are convex; their weights are moved until the sizes fit.
    """
    squares = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    wanted = targets / targets.sum() * len(points)
    weights = np.zeros(len(centres))
    for _ in range(400):
        cell = np.argmin(squares - weights, axis=1)
        missing = wanted - np.bincount(cell, minlength=len(centres))
        if np.abs(missing / wanted).max() < SIZE_TOLERANCE:
            break
        weights += 0.3 * missing * BLOCK_M**2
    return cell.astype(np.int32)


def _density(profile: Profile, blocks: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return each block's natural share of its municipality's inhabitants: a centre, some
    villages around it, open land between.
    """
    place = blocks[["x", "y"]].to_numpy()
    kommune = blocks["kommune"].to_numpy()
    weight = np.full(len(blocks), 0.015)
    for k, gemeinde in enumerate(profile.kommunen):
        mine = np.flatnonzero(kommune == k)
        reach = 0.22 * np.sqrt(gemeinde.km2) * 1000
        villages = rng.choice(mine, size=max(2, gemeinde.sozialraeume // 2), replace=False)
        for centre, strength, radius in [
            (np.array(gemeinde.zentrum) * 1000.0, 1.0, reach),
            *((place[v], rng.uniform(0.2, 0.7), 0.35 * reach) for v in villages),
        ]:
            away = np.hypot(*(place[mine] - centre).T)
            weight[mine] += strength * np.exp(-((away / radius) ** 2) / 2)
    weight *= rng.lognormal(0, 2 * ROUGHNESS, len(blocks))
    return weight / np.bincount(kommune, weight)[kommune]


def _atoms(
    profile: Profile, blocks: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """Cut each municipality into its Sozialräume, or the pieces of those that change.

    Returns:
        The atoms (kommune, x, y of their middle), and each block's atom.
    """
    place = blocks[["x", "y"]].to_numpy()
    kommune = blocks["kommune"].to_numpy()
    weight = blocks["gewicht"].to_numpy()
    atom = np.zeros(len(blocks), np.int32)
    middles = []
    for k, gemeinde in enumerate(profile.kommunen):
        mine = np.flatnonzero(kommune == k)
        merged = (
            profile.umbau
            if _changes(profile.umbau, gemeinde.kommune_id)
            else Umbau(kommune_id=gemeinde.kommune_id)
        )
        number = gemeinde.sozialraeume + sum(n - 1 for n in merged.verschmelzungen)
        chance = weight[mine] ** 0.6
        seeds = place[rng.choice(mine, size=number, replace=False, p=chance / chance.sum())]
        for _ in range(2):
            cell = _nearest(place[mine], seeds)
            size = np.bincount(cell, minlength=number)
            seeds = np.stack(
                [np.bincount(cell, place[mine, axis], number) / size for axis in (0, 1)], axis=1
            )
        atom[mine] = _nearest(place[mine], seeds) + len(middles)
        middles += [(k, *seed) for seed in seeds]
    return pd.DataFrame(middles, columns=["kommune", "x", "y"]), atom


def _changes(umbau: Umbau | None, kommune_id: str) -> bool:
    return umbau is not None and umbau.kommune_id == kommune_id


def _nearest(points: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    return np.argmin(((points[:, None, :] - seeds[None, :, :]) ** 2).sum(axis=2), axis=1)


def _raeume(profile: Profile, blocks: pd.DataFrame, atoms: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return each block's raum_id by Gebietsstand."""
    keys: dict[str, list[str]] = {stand.gebietsstand: [] for stand in profile.gebietsstaende}
    for k, gemeinde in enumerate(profile.kommunen):
        middles = atoms.loc[atoms["kommune"] == k, ["x", "y"]].to_numpy()
        before, after = np.arange(len(middles)), np.arange(len(middles))
        if _changes(profile.umbau, gemeinde.kommune_id):
            free = list(range(len(middles)))
            for number in profile.umbau.teilungen:
                before = _united(before, _neighbours(middles, free, number))
            for number in profile.umbau.verschmelzungen:
                after = _united(after, _neighbours(middles, free, number))
        for stand, numbers in zip(keys, _numbers(before, after), strict=False):
            keys[stand] += [f"{gemeinde.kommune_id}-{number:03d}" for number in numbers]
    atom = blocks["atom"].to_numpy()
    return {stand: np.array(ids)[atom] for stand, ids in keys.items()}


def _neighbours(middles: np.ndarray, free: list[int], number: int) -> list[int]:
    """Take a piece and those next to it out of what is free."""
    group = [free.pop(0)]
    while len(group) < number:
        apart = middles[free][:, None, :] - middles[group][None, :, :]
        nearest = (apart**2).sum(axis=2).min(axis=1)
        group.append(free.pop(int(np.argmin(nearest))))
    return group


def _united(areas: np.ndarray, group: list[int]) -> np.ndarray:
    united = areas.copy()
    united[group] = min(group)
    return united


def _numbers(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the areas of two Gebietsstände, given the area of each piece: unchanged areas keep
    their number, new ones get numbers that no older one had.
    """
    old = np.unique(before, return_inverse=True)[1] + 1
    changed = (np.bincount(before)[before] > 1) | (np.bincount(after)[after] > 1)
    new = old.copy()
    new[changed] = np.unique(after[changed], return_inverse=True)[1] + 1 + old.max()
    return old, new


def _balanced(profile: Profile, blocks: pd.DataFrame, raum: np.ndarray) -> np.ndarray:
    """Keep the Sozialräume within the sizes wanted, and make one of them tiny."""
    inhabitants = np.array([kommune.einwohner for kommune in profile.kommunen])
    kommune = blocks["kommune"].to_numpy()
    weight = blocks["gewicht"].to_numpy()
    area, cell = np.unique(raum, return_inverse=True)
    of_area = np.zeros(len(area), np.int32)
    of_area[cell] = kommune
    size = np.bincount(cell, weight) * inhabitants[of_area]
    tiny = np.argmin(np.where(np.bincount(of_area)[of_area] > len(inhabitants), size, np.inf))
    for _ in range(50):
        size = np.clip(size, MIN_AREA, MAX_AREA)
        size[tiny] = TINY_AREA
        size *= (inhabitants / np.bincount(of_area, size))[of_area]
    size[tiny] = TINY_AREA
    weight = weight / np.bincount(cell, weight)[cell] * size[cell]
    return weight / np.bincount(kommune, weight)[kommune]


def _deprivation_field(blocks: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth field of poverty: some centres of it, most of them where many people live."""
    place = blocks[["x", "y"]].to_numpy()
    weight = blocks["gewicht"].to_numpy()
    number = max(4, len(blocks) // 350)
    field = rng.normal(0, ROUGHNESS / 3, len(blocks))
    for block in rng.choice(len(blocks), number, replace=False, p=weight / weight.sum()):
        away = np.hypot(*(place - place[block]).T)
        field += rng.uniform(0.4, 1.0) * np.exp(-((away / rng.uniform(900, 2600)) ** 2) / 2)
    return field


def _by_area(field: np.ndarray, blocks: pd.DataFrame, raum: np.ndarray) -> np.ndarray:
    """Return the area's rank in the field, 0 to 1, for each of its blocks."""
    cell = np.unique(raum, return_inverse=True)[1]
    weight = blocks["gewicht"].to_numpy()
    mean = np.bincount(cell, weight * field) / np.bincount(cell, weight)
    rank = np.argsort(np.argsort(mean)) / max(1, len(mean) - 1)
    return rank[cell]


def _postcodes(profile: Profile, blocks: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Cut each municipality into the areas of its postcodes, which follow no other border."""
    place = blocks[["x", "y"]].to_numpy()
    kommune = blocks["kommune"].to_numpy()
    code = np.full(len(blocks), "", dtype="<U5")
    for k, gemeinde in enumerate(profile.kommunen):
        mine = np.flatnonzero(kommune == k)
        seeds = place[rng.choice(mine, size=len(gemeinde.plz), replace=False)]
        code[mine] = np.array(gemeinde.plz)[_nearest(place[mine], seeds)]
    return code


def _districts(profile: Profile, blocks: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Cut the municipality that has districts of its own into them; -1 elsewhere."""
    district = np.full(len(blocks), -1, np.int32)
    if profile.bezirke is None:
        return district
    place = blocks[["x", "y"]].to_numpy()
    ids = [kommune.kommune_id for kommune in profile.kommunen]
    mine = np.flatnonzero(blocks["kommune"] == ids.index(profile.bezirke.kommune_id))
    seeds = place[rng.choice(mine, size=profile.bezirke.anzahl, replace=False)]
    district[mine] = _nearest(place[mine], seeds)
    return district


def _united_shapes(blocks: pd.DataFrame, key: np.ndarray) -> tuple[np.ndarray, list]:
    """Return the distinct keys and the union of the blocks of each."""
    names, cell = np.unique(key, return_inverse=True)
    shapes = blocks["geometry"].to_numpy()
    return names, [shapely.coverage_union_all(shapes[cell == i]) for i in range(len(names))]


def _kommunen(profile: Profile, blocks: pd.DataFrame) -> pd.DataFrame:
    _, shapes = _united_shapes(blocks, blocks["kommune"].to_numpy())
    return pd.DataFrame(
        {
            "kommune_id": [kommune.kommune_id for kommune in profile.kommunen],
            "name": [kommune.name for kommune in profile.kommunen],
            "geometry": shapes,
        }
    )


def _sozialraeume(
    profile: Profile,
    blocks: pd.DataFrame,
    raeume: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> pd.DataFrame:
    names = _names(np.unique(np.concatenate(list(raeume.values()))), rng)
    weight = blocks["gewicht"].to_numpy()
    frames = []
    for stand, raum in raeume.items():
        ids, shapes = _united_shapes(blocks, raum)
        cell = np.unique(raum, return_inverse=True)[1]
        mean = np.bincount(cell, weight * blocks["deprivation"]) / np.bincount(cell, weight)
        frames.append(
            pd.DataFrame(
                {
                    "raum_id": ids,
                    "gebietsstand": stand,
                    "kommune_id": [raum_id[:8] for raum_id in ids],
                    "raum_name": [names[raum_id] for raum_id in ids],
                    "geometry": shapes,
                    "deprivation": mean,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _names(ids: np.ndarray, rng: np.random.Generator) -> dict[str, str]:
    """Give each area a name; names are unique within a municipality, not beyond."""
    names = {}
    possible = np.array([stem + end for stem in _NAME_STEMS for end in _NAME_ENDS])
    for kommune_id in sorted({raum_id[:8] for raum_id in ids}):
        mine = [raum_id for raum_id in ids if raum_id[:8] == kommune_id]
        names |= dict(zip(mine, rng.permutation(possible)[: len(mine)].tolist(), strict=True))
    return names


def _bezirke(profile: Profile, blocks: pd.DataFrame) -> pd.DataFrame:
    if profile.bezirke is None:
        return pd.DataFrame({"bezirk_id": [], "name": [], "geometry": []}, dtype=object)
    mine = blocks[blocks["bezirk"] >= 0]
    numbers, shapes = _united_shapes(mine, mine["bezirk"].to_numpy())
    return pd.DataFrame(
        {
            "bezirk_id": [f"{profile.bezirke.kommune_id}-B{n + 1:02d}" for n in numbers],
            "name": [f"Bezirk {n + 1}" for n in numbers],
            "geometry": shapes,
        }
    )
