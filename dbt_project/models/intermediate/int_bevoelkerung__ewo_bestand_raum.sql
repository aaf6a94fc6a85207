{{ needs('ewo_bestand_raum') }}
{# Inhabitants of a register that comes as counts. Grain: delivery × area × crossing. #}
with counted as (
    select register.*, register.altersjahr as jahre, stand.gebietsstand
    from {{ ref('stg_ewo__bestand_raum') }} as register
    {{ join_gebietsstand('register', 'ewo_bestand_raum') }}
)

{{ kreuzungen_of('counted', 'ewo_bestand_raum') }}
