"""Comparison and peers in real editions: what must hold for every row of them."""

import pytest

from sources.region import read_region
from tests.integration.conftest import Warehouse


@pytest.fixture(params=["aachen", "rbk", "berlin"])
def edition(request) -> Warehouse:
    """Each region, one after the other."""
    return request.getfixturevalue(request.param)


def test_an_interval_holds_its_value_and_follows_from_its_counts(edition):
    told, wrong = edition.published(
        """
        select count(untergrenze), count(*) filter (
            untergrenze > wert or obergrenze < wert or untergrenze < 0
            or (untergrenze is null) <> (obergrenze is null)
            or (untergrenze is not null and (status <> 'ok' or not (art = 'anteil' or ereignisse)))
            or (art = 'anteil' and status = 'ok' and untergrenze is null)
        )
        from mart_indikator join dim_indikator using (indikator_id, version)
        """
    )[0]
    assert told > 1000
    assert wrong == 0


def test_what_is_noticed_lies_outside_its_interval(edition):
    rows = edition.published(
        """
        select auffaellig, richtung, bool_and(
            case auffaellig when 'ueber' then untergrenze > kreis_wert
                when 'unter' then obergrenze < kreis_wert
                else kreis_wert between untergrenze and obergrenze end
            and case richtung
                when 'unguenstiger' then polaritaet = -sign(wert - kreis_wert)
                when 'guenstiger' then polaritaet = sign(wert - kreis_wert)
                else auffaellig = 'im_rahmen' or polaritaet = 0 end)
        from mart_indikator join dim_indikator using (indikator_id, version)
        where auffaellig is not null group by all
        """
    )
    assert all(right for *_, right in rows)
    assert {"ueber", "unter", "im_rahmen"} == {noticed for noticed, *_ in rows}
    (unclear,) = edition.published(
        "select count(*) from mart_indikator where (auffaellig is null) <> (richtung is null) "
        "or (raumebene in ('kreis', 'ohne_raum') and auffaellig is not null)"
    )
    assert unclear == (0,)


def test_small_areas_say_less_than_their_county(edition):
    shares = dict(
        edition.published(
            "select raumebene, avg((aussagekraft = 'gering')::int) from mart_indikator "
            "where aussagekraft is not null and raumebene in ('sozialraum', 'kreis') group by all"
        )
    )
    assert shares["kreis"] < shares["sozialraum"]


def test_fifths_follow_the_ranks(edition):
    (wrong,) = edition.published(
        """
        select count(*) from (
            select quintil, lag(quintil) over (
                partition by raumebene, gebietsstand, stichtag, indikator_id, version
                order by rang_kreis, raum_id) as before
            from mart_indikator where quintil is not null
        ) where quintil < before or quintil not between 1 and 5
        """
    )
    assert wrong == (0,)
    alike = edition.published(
        "select indikator_id, version, gebietsstand, raumebene, stichtag, wert from mart_indikator "
        "where quintil is not null group by all having count(distinct quintil) > 1"
    )
    assert alike == []


def test_every_area_has_peers_of_other_municipalities_or_a_reason(edition):
    (declared,) = read_region(edition.settings.region).vergleiche
    areas, with_peers = edition.published(
        """
        select count(distinct raum_id || gebietsstand),
            count(distinct raum_id || gebietsstand) filter (status = 'ok')
        from mart_vergleichsraum
        """
    )[0]
    assert with_peers > areas / 2
    wrong = edition.published(
        f"""
        select peer.raum_id, peer.gebietsstand from mart_vergleichsraum as peer
        join dim_raum as own using (raum_id, gebietsstand)
        left join dim_raum as other
            on other.raum_id = peer.peer_raum_id and other.gebietsstand = peer.gebietsstand
        group by all
        having bool_or((peer.status = 'ok') <> (peer.peer_raum_id is not null))
            or bool_or(peer.status = 'ok' and own.kommune_id = other.kommune_id)
            or count(*) <> case when bool_and(peer.status = 'ok') then {declared.anzahl} else 1 end
            or max(peer.rang) <> count(*)
        """
    )
    assert wrong == []


def test_peers_are_those_of_another_reckoning(edition):
    """All distances, computed from the published values with numpy."""
    np = pytest.importorskip("numpy")
    (declared,) = read_region(edition.settings.region).vergleiche
    names = [feature.indikator_id for feature in declared.merkmale]
    weights = np.array([feature.gewicht for feature in declared.merkmale])
    gebietsstand, day = edition.published(
        "select gebietsstand, max(stichtag) from mart_vergleichsraum group by all order by 2 desc"
    )[0]
    columns = ", ".join(f"max(wert) filter (indikator_id = '{name}')" for name in names)
    rows = edition.published(
        f"""
        select raum_id, kommune_id, {columns}
        from mart_indikator join dim_raum using (raum_id, gebietsstand)
        where stichtag = date '{day}' and gebietsstand = '{gebietsstand}'
            and mart_indikator.raumebene = 'sozialraum'
        group by all
        """
    )
    complete = [row for row in rows if None not in row]
    values = np.array([row[2:] for row in complete])
    values = values / values.std(axis=0)
    found = edition.published(
        "select raum_id, peer_raum_id, distanz from mart_vergleichsraum "
        f"where status = 'ok' and gebietsstand = '{gebietsstand}' order by raum_id, rang"
    )
    position = {row[0]: number for number, row in enumerate(complete)}
    assert {area for area, *_ in found} == set(position)
    for number, (area, kommune, *_) in enumerate(complete):
        distances = np.sqrt((weights * (values - values[number]) ** 2).sum(axis=1))
        others = [i for i, row in enumerate(complete) if row[1] != kommune]
        nearest = np.sort(distances[others])[: declared.anzahl]
        own = [(peer, distance) for raum, peer, distance in found if raum == area]
        assert [distance for _, distance in own] == pytest.approx(list(nearest), abs=1e-5)
        assert [distances[position[peer]] for peer, _ in own] == pytest.approx(
            list(nearest), abs=1e-5
        )


def test_the_distance_is_explained(edition):
    (wrong,) = edition.published(
        """
        select count(*) from (
            select any_value(peer.distanz) as distanz, sum(gewicht * abstand * abstand) as quadrat,
                sum(anteil) as anteil
            from mart_vergleichsraum as peer
            join mart_vergleichsraum_merkmal as part
                using (vergleich_id, raum_id, gebietsstand, stichtag, rang)
            where peer.status = 'ok'
            group by peer.vergleich_id, peer.raum_id, peer.gebietsstand, peer.stichtag, peer.rang
        ) where abs(distanz - sqrt(quadrat)) > 1e-5 or abs(anteil - 1) > 1e-9
        """
    )
    assert wrong == (0,)


def test_nothing_of_a_withheld_value_stands_beside_it(edition):
    (wrong,) = edition.published(
        """
        select count(*) from mart_vergleichsraum_merkmal
        where (status = 'ok') <> (wert is not null) or (abstand is not null and wert is null)
        """
    )
    assert wrong == (0,)
