{{ indikator(fallzahl('seu_sprache_auffaellig'), fallzahl('seu_untersuchte')) }}
