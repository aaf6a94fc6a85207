{{ needs('seu_einzeldaten') }}
{# School entry examination. Vaccinations count for children who showed their record, check-ups for
   those who showed the booklet; a test that was not done is no finding.
   Grain: delivery × area × merkmal. #}
with counted as (
    select
        delivery_id,
        liefereinheit,
        stichtag,
        raum_id,
        count(*) as seu_untersuchte,
        sum(case when sopess_sprache = 'auffaellig' then 1 else 0 end) as seu_sprache_auffaellig,
        sum(case when impfbuch = '1' then 1 else 0 end) as seu_impfbuch,
        sum(case when impfbuch = '1' and mmr_anzahl >= 2 then 1 else 0 end) as seu_mmr2,
        sum(case when vorsorgeheft = '1' then 1 else 0 end) as seu_vorsorgeheft,
        sum(case when vorsorgeheft = '1' and u8 = '1' and u9 = '1' then 1 else 0 end)
            as seu_u8_u9
    from {{ ref('stg_gesundheitsamt__kinder') }}
    group by delivery_id, liefereinheit, stichtag, raum_id
),

{{ counts_as_rows('counted', [
    'seu_untersuchte', 'seu_sprache_auffaellig', 'seu_impfbuch', 'seu_mmr2', 'seu_vorsorgeheft',
    'seu_u8_u9'
]) }}

{{ int_fallzahl_of('counts', 'seu_einzeldaten') }}
