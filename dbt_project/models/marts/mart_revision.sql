{# The log of revisions: values that are not what the last edition said, and all that it logged
   itself. It grows from edition to edition; the same values again add nothing.

   Old values are shown only as far as they do not tell what is withheld now: where an area of an
   indicator had its counts in the last edition and has none any more, no value of that indicator
   and Stichtag is repeated, of any area, because a sum less its parts would give it away; what the
   log said of them earlier is emptied too. Of each row a value is there only if it was published
   then and is now. A cell that was ever shown and is withheld now has no row: the log would point to
   the old edition in which it can be read. #}
with neu as (
    select raum_id, gebietsstand, raumebene, stichtag, indikator_id, version, zaehler, nenner,
        nenner_stichtag, wert, status
    from {{ ref('mart_indikator') }}
),

vergleich as (
    select
        alt.raum_id,
        alt.gebietsstand,
        alt.raumebene,
        alt.stichtag,
        alt.indikator_id,
        alt.version,
        alt.edition as edition_alt,
        alt.wert as wert_alt,
        neu.wert as wert_neu,
        alt.zaehler as zaehler_alt,
        neu.zaehler as zaehler_neu,
        alt.nenner as nenner_alt,
        neu.nenner as nenner_neu,
        neu.nenner_stichtag,
        alt.status as status_alt,
        coalesce(neu.status, 'nicht_geliefert') as status_neu
    from {{ source('vorausgabe', 'indikator') }} as alt
    left join neu
        on neu.raum_id = alt.raum_id
        and neu.gebietsstand = alt.gebietsstand
        and neu.stichtag = alt.stichtag
        and neu.indikator_id = alt.indikator_id
        and neu.version = alt.version
),

gesperrt as (
    select distinct gebietsstand, stichtag, indikator_id, version
    from vergleich
    where (zaehler_alt is not null and zaehler_neu is null)
        or (nenner_alt is not null and nenner_neu is null)
        or (wert_alt is not null and wert_neu is null and status_neu <> 'zu_klein')
),

geaendert as (
    select *
    from vergleich
    where status_alt <> status_neu
        or coalesce(zaehler_alt, -1) <> coalesce(zaehler_neu, -1)
        or coalesce(nenner_alt, -1) <> coalesce(nenner_neu, -1)
        or (wert_alt is null) <> (wert_neu is null)
        or abs(wert_alt - wert_neu) > 1e-9
),

-- What brought the change: new deliveries of the indicator's feeds, and of the register where the
-- denominator changed, of the Stichtag in question.
anlaesse as (
    select distinct
        geaendert.raum_id,
        geaendert.gebietsstand,
        geaendert.stichtag,
        geaendert.indikator_id,
        geaendert.version,
        lieferung.lieferung
    from geaendert
    inner join (
        select indikator_id, feed, false as nur_nenner from ({{ indikator_feeds() }}) as feeds
        union
        select distinct geaendert.indikator_id, lieferung.feed, true
        from geaendert
        cross join {{ source('vorausgabe', 'lieferung') }} as lieferung
        where lieferung.feed in ('{{ bevoelkerung_feeds() | join("', '") }}')
    ) as feeds on feeds.indikator_id = geaendert.indikator_id
    inner join {{ source('vorausgabe', 'lieferung') }} as lieferung
        on lieferung.feed = feeds.feed
        and lieferung.stichtag in (geaendert.stichtag, geaendert.nenner_stichtag)
        and (
            not feeds.nur_nenner
            or coalesce(geaendert.nenner_alt, -1) <> coalesce(geaendert.nenner_neu, -1)
        )
),

anlass as (
    select raum_id, gebietsstand, stichtag, indikator_id, version,
        {{ joined_texts('lieferung', ', ', 'lieferung') }} as lieferung
    from anlaesse
    group by raum_id, gebietsstand, stichtag, indikator_id, version
),

protokoll as (
    select
        raum_id, gebietsstand, raumebene, stichtag, indikator_id, version, edition_alt,
        wert_alt, wert_neu, zaehler_alt, zaehler_neu, nenner_alt, nenner_neu,
        status_alt, status_neu, lieferung
    from {{ source('vorausgabe', 'revision') }}
    union all
    select
        geaendert.raum_id, geaendert.gebietsstand, geaendert.raumebene, geaendert.stichtag,
        geaendert.indikator_id, geaendert.version, geaendert.edition_alt, geaendert.wert_alt,
        geaendert.wert_neu, geaendert.zaehler_alt, geaendert.zaehler_neu, geaendert.nenner_alt,
        geaendert.nenner_neu, geaendert.status_alt, geaendert.status_neu, anlass.lieferung
    from geaendert
    left join anlass
        on anlass.raum_id = geaendert.raum_id
        and anlass.gebietsstand = geaendert.gebietsstand
        and anlass.stichtag = geaendert.stichtag
        and anlass.indikator_id = geaendert.indikator_id
        and anlass.version = geaendert.version
),

beurteilt as (
    select
        protokoll.*,
        coalesce(neu.status in ('geheim', 'nicht_freigegeben'), false) as heute_verborgen,
        gesperrt.indikator_id is null and protokoll.wert_alt is not null
            and protokoll.wert_neu is not null and neu.wert is not null as zeigt_wert,
        gesperrt.indikator_id is null and protokoll.zaehler_alt is not null
            and protokoll.zaehler_neu is not null and neu.zaehler is not null as zeigt_zaehler,
        gesperrt.indikator_id is null and protokoll.nenner_alt is not null
            and protokoll.nenner_neu is not null and neu.nenner is not null as zeigt_nenner
    from protokoll
    left join gesperrt
        on gesperrt.gebietsstand = protokoll.gebietsstand
        and gesperrt.stichtag = protokoll.stichtag
        and gesperrt.indikator_id = protokoll.indikator_id
        and gesperrt.version = protokoll.version
    left join neu
        on neu.raum_id = protokoll.raum_id
        and neu.gebietsstand = protokoll.gebietsstand
        and neu.stichtag = protokoll.stichtag
        and neu.indikator_id = protokoll.indikator_id
        and neu.version = protokoll.version
)

select
    raum_id,
    gebietsstand,
    raumebene,
    stichtag,
    indikator_id,
    version,
    edition_alt,
    case when zeigt_wert then wert_alt end as wert_alt,
    case when zeigt_wert then wert_neu end as wert_neu,
    case when zeigt_zaehler then zaehler_alt end as zaehler_alt,
    case when zeigt_zaehler then zaehler_neu end as zaehler_neu,
    case when zeigt_nenner then nenner_alt end as nenner_alt,
    case when zeigt_nenner then nenner_neu end as nenner_neu,
    status_alt,
    status_neu,
    lieferung
from beurteilt
where not (status_neu in ('geheim', 'nicht_freigegeben') or heute_verborgen)
    or (
        status_alt in ('geheim', 'nicht_freigegeben')
        and status_neu in ('geheim', 'nicht_freigegeben')
    )
