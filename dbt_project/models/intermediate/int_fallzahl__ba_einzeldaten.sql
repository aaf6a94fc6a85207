{{ needs('ba_einzeldaten') }}
{# Recipients of SGB II from single records. A Bedarfsgemeinschaft counts once, in the area of its
   members. Grain: delivery × area × merkmal. #}
with counted as (
    select
        delivery_id,
        liefereinheit,
        stichtag,
        raum_id,
        count(*) as sgb2_leistungsberechtigte,
        sum(case when personengruppe = 'elb' then 1 else 0 end) as sgb2_elb,
        sum(case when personengruppe = 'nef' then 1 else 0 end) as sgb2_nef,
        sum(case when alter < 15 then 1 else 0 end) as sgb2_kinder_u15,
        count(distinct case when bg_typ = 'alleinerziehend' then bg_id end)
            as sgb2_bg_alleinerziehend
    from {{ ref('stg_ba__leistungsberechtigte') }}
    group by delivery_id, liefereinheit, stichtag, raum_id
),

{{ counts_as_rows('counted', [
    'sgb2_leistungsberechtigte', 'sgb2_elb', 'sgb2_nef', 'sgb2_kinder_u15',
    'sgb2_bg_alleinerziehend'
]) }}

{{ int_fallzahl_of('counts', 'ba_einzeldaten') }}
