{# The series of every indicator on the newest Gebietsstand: earlier values carried over, change
   against the Stichtag before, breaks and trend. Kommunen and the county keep their values: no
   Gebietsstand moves an area from one to the other. #}
with newest as (
    {{ newest_gebietsstand() }}
),

werte as (
    select raum_id, gebietsstand, raumebene, stichtag, indikator_id, version, zaehler, nenner,
        wert, klasse, status, geschaetzt
    from {{ ref('mart_indikator') }}
    where raumebene in ('sozialraum', 'ohne_raum', 'kommune', 'kreis')
),

{{ carried_over() }},

united as (
    select werte.raum_id, werte.raumebene, werte.gebietsstand as quelle, werte.stichtag,
        werte.indikator_id, werte.version, cast(werte.zaehler as double) as zaehler,
        cast(werte.nenner as double) as nenner, werte.wert, werte.klasse, werte.status,
        false as umgerechnet, werte.geschaetzt
    from werte
    inner join newest on newest.gebietsstand = werte.gebietsstand
    union all
    select werte.raum_id, werte.raumebene, werte.gebietsstand, werte.stichtag,
        werte.indikator_id, werte.version, cast(werte.zaehler as double),
        cast(werte.nenner as double), werte.wert, werte.klasse, werte.status, false,
        werte.geschaetzt
    from werte
    inner join newest on newest.gebietsstand <> werte.gebietsstand
    inner join {{ ref('dim_raum') }} as heute
        on heute.raum_id = werte.raum_id
        and heute.gebietsstand = newest.gebietsstand
        and heute.raumebene = werte.raumebene
    where werte.raumebene in ('kommune', 'kreis')
    union all
    select raum_id, raumebene, gebietsstand_von, stichtag, indikator_id, version, zaehler, nenner,
        wert, klasse, status, umgerechnet, geschaetzt
    from getragen
),

-- A Stichtag that was told on two Gebietsstände stands there once, as on the newer one.
reihe as (
    select ranked.*, fehler.fehler
    from (
        select
            united.*,
            row_number() over (
                partition by united.raum_id, united.indikator_id, united.version, united.stichtag
                order by coalesce(stand.gueltig_ab, cast('0001-01-01' as date)) desc
            ) as rang
        from united
        inner join {{ source('warehouse', 'rule_gebietsstand') }} as stand
            on stand.gebietsstand = united.quelle
    ) as ranked
    cross join newest
    left join {{ source('warehouse', 'rule_umrechnung_fehler') }} as fehler
        on fehler.raum_id_nach = ranked.raum_id
        and fehler.gebietsstand_von = ranked.quelle
        and fehler.gebietsstand_nach = newest.gebietsstand
        and ranked.umgerechnet
    where ranked.rang = 1
),

folge as (
    select
        reihe.*,
        min(version) over (partition by raum_id, indikator_id) as erste_version,
        lag(stichtag) over kette as vor_stichtag,
        lag(quelle) over kette as vor_quelle,
        lag(umgerechnet) over kette as vor_umgerechnet,
        lag(fehler) over kette as vor_fehler,
        lag(wert) over kette as vor_wert
    from reihe
    window kette as (partition by raum_id, indikator_id, version order by stichtag)
),

declared as (
    select
        folge.raum_id,
        folge.indikator_id,
        folge.version,
        folge.stichtag,
        min(bruch.art) as art,
        min(bruch.text) as text
    from folge
    inner join (
        select bruch.ab, bruch.art, bruch.text, bruch.indikator_id
        from {{ source('warehouse', 'rule_bruch') }} as bruch
        where bruch.indikator_id is not null
        union all
        select bruch.ab, bruch.art, bruch.text, feeds.indikator_id
        from {{ source('warehouse', 'rule_bruch') }} as bruch
        inner join ({{ indikator_feeds() }}) as feeds on feeds.feed = bruch.feed
    ) as bruch
        on bruch.indikator_id = folge.indikator_id
        and folge.vor_stichtag < bruch.ab
        and folge.stichtag >= bruch.ab
    group by folge.raum_id, folge.indikator_id, folge.version, folge.stichtag
),

gebrochen as (
    select
        folge.*,
        case
            when folge.vor_stichtag is null and folge.version > folge.erste_version
                then 'definition'
            when declared.art is not null then declared.art
            when folge.quelle <> folge.vor_quelle and (
                (folge.umgerechnet
                    and coalesce(folge.fehler, 1) > regel.hoechstfehler_umrechnung)
                or (folge.vor_umgerechnet
                    and coalesce(folge.vor_fehler, 1) > regel.hoechstfehler_umrechnung)
            ) then 'gebietsstand'
        end as bruch,
        declared.text as bruch_text,
        regel.trend_mindestzahl,
        regel.trend_z
    from folge
    cross join {{ source('warehouse', 'rule_reihe') }} as regel
    left join declared
        on declared.raum_id = folge.raum_id
        and declared.indikator_id = folge.indikator_id
        and declared.version = folge.version
        and declared.stichtag = folge.stichtag
),

abschnitte as (
    select
        gebrochen.*,
        sum(case when bruch is not null then 1 else 0 end) over (
            partition by raum_id, indikator_id, version order by stichtag
        ) as abschnitt
    from gebrochen
),

-- Mann and Kendall: how many pairs of values rise, less those that fall. A difference below
-- 1e-9 is one of calculating, not of values.
paare as (
    select
        spaeter.raum_id,
        spaeter.indikator_id,
        spaeter.version,
        spaeter.stichtag,
        count(*) as frueher,
        sum(sign(round(spaeter.wert - frueher.wert, 9))) as steigt
    from abschnitte as spaeter
    inner join abschnitte as frueher
        on frueher.raum_id = spaeter.raum_id
        and frueher.indikator_id = spaeter.indikator_id
        and frueher.version = spaeter.version
        and frueher.abschnitt = spaeter.abschnitt
        and frueher.stichtag < spaeter.stichtag
    where spaeter.wert is not null and frueher.wert is not null
    group by spaeter.raum_id, spaeter.indikator_id, spaeter.version, spaeter.stichtag
),

gezaehlt as (
    select
        abschnitte.*,
        1 + coalesce(paare.frueher, 0) as n,
        sum(coalesce(paare.steigt, 0)) over (
            partition by abschnitte.raum_id, abschnitte.indikator_id, abschnitte.version,
                abschnitte.abschnitt
            order by abschnitte.stichtag
        ) as s
    from abschnitte
    left join paare
        on paare.raum_id = abschnitte.raum_id
        and paare.indikator_id = abschnitte.indikator_id
        and paare.version = abschnitte.version
        and paare.stichtag = abschnitte.stichtag
)

select
    gezaehlt.raum_id,
    newest.gebietsstand,
    gezaehlt.raumebene,
    gezaehlt.stichtag,
    gezaehlt.indikator_id,
    gezaehlt.version,
    cast(round(gezaehlt.zaehler) as bigint) as zaehler,
    cast(round(gezaehlt.nenner) as bigint) as nenner,
    gezaehlt.wert,
    gezaehlt.klasse,
    gezaehlt.status,
    gezaehlt.quelle as gebietsstand_quelle,
    gezaehlt.umgerechnet,
    gezaehlt.geschaetzt,
    gezaehlt.fehler as fehler_umrechnung,
    gezaehlt.bruch,
    case
        when gezaehlt.bruch_text is not null then gezaehlt.bruch_text
        when gezaehlt.bruch = 'definition' then 'Neue Version der Definition'
        when gezaehlt.bruch = 'gebietsstand'
            then 'Neue Grenzen; der Fehler der Umrechnung ist zu groß oder nicht bekannt'
    end as bruch_text,
    case when gezaehlt.bruch is null then gezaehlt.vor_stichtag end as vor_stichtag,
    case when gezaehlt.bruch is null then gezaehlt.vor_wert end as vorwert,
    case when gezaehlt.bruch is null then gezaehlt.wert - gezaehlt.vor_wert end as veraenderung,
    case
        when gezaehlt.bruch is null
            then (gezaehlt.wert - gezaehlt.vor_wert) / nullif(abs(gezaehlt.vor_wert), 0) * 100
    end as veraenderung_prozent,
    case
        when gezaehlt.wert is null or gezaehlt.n < gezaehlt.trend_mindestzahl then null
        when (abs(gezaehlt.s) - 1)
            / sqrt(gezaehlt.n * (gezaehlt.n - 1.0) * (2 * gezaehlt.n + 5) / 18)
            <= gezaehlt.trend_z then 'stabil'
        when gezaehlt.s > 0 then 'steigend'
        else 'fallend'
    end as trend
from gezaehlt
cross join newest
