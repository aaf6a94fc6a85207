{{ config(materialized='table') }}
{# Counts of all feeds in one shape; for purged deliveries those of the archive. #}
with live as (
    {{ union_of_feeds('bevoelkerung', bevoelkerung_feeds()) }}
)

select * from live
union all
select {% for name, type in int_columns('bevoelkerung').items() -%}
    cast(archive.{{ name }} as {{ type }}) as {{ name }}{{ ', ' if not loop.last }}
{%- endfor %}
from {{ source('archive', 'bevoelkerung') }} as archive
inner join {{ ref('int_lieferung__valid') }} as valid
    on valid.delivery_id = archive.delivery_id and valid.archiviert
