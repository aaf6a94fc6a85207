{{ needs('einwohnerregister') }}
{# Grain: Planungsraum × Stichtag × column of the register. #}
{% set spalten = [
    'anzahl',
    'maennlich',
    'weiblich',
    'alter_00_00',
    'alter_01_01',
    'alter_02_02',
    'alter_03_04',
    'alter_05_05',
    'alter_06_06',
    'alter_07_07',
    'alter_08_09',
    'alter_10_11',
    'alter_12_13',
    'alter_14_14',
    'alter_15_17',
    'alter_18_20',
    'alter_21_24',
    'alter_25_26',
    'alter_27_29',
    'alter_30_34',
    'alter_35_39',
    'alter_40_44',
    'alter_45_49',
    'alter_50_54',
    'alter_55_59',
    'alter_60_62',
    'alter_63_64',
    'alter_65_66',
    'alter_67_69',
    'alter_70_74',
    'alter_75_79',
    'alter_80_84',
    'alter_85_89',
    'alter_90_94',
    'alter_95_plus',
    'grob_00_00',
    'grob_01_05',
    'grob_06_14',
    'grob_15_17',
    'grob_18_24',
    'grob_25_54',
    'grob_55_64',
    'grob_65_79',
    'grob_80_plus'
] %}

with source as (
    {{ unpivot(
        source('landing', 'einwohnerregister'),
        ['raum_id', 'stichtag', 'delivery_id', 'liefereinheit'], spalten, 'spalte', 'anzahl'
    ) }}
)

select raum_id, stichtag, delivery_id, liefereinheit, spalte, anzahl
from source
