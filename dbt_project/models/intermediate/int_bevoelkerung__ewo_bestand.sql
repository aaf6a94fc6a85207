{{ needs('ewo_bestand') }}
{# Inhabitants of the register of persons. Grain: delivery × area × crossing. #}
with counted as (
    select * from {{ ref('int_ewo_bestand__counted') }} where merkmal = 'einwohner'
)

{{ kreuzungen_of('counted', 'ewo_bestand') }}
