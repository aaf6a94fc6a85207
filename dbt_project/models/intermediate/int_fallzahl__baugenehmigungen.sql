{{ needs('baugenehmigungen') }}
{# Dwellings that were permitted in a year, less those to be pulled down; cancelled permits do not
   count. Grain: delivery × area. #}
with counts as (
    select permit.delivery_id, permit.liefereinheit, permit.stichtag, platz.raum_id,
        platz.gebietsstand, 'genehmigte_wohnungen' as merkmal, permit.wohnungen as anzahl,
        cast(null as varchar) as zustand
    from {{ ref('stg_bauaufsicht__genehmigungen') }} as permit
    {{ join_placement('permit', 'baugenehmigungen') }}
    where permit.storniert = '0'
)

{{ int_fallzahl_of('counts', 'baugenehmigungen', placed=true) }}
