"""Terrarium, the miniature Earth: a seeded world of overhead imagery whose truth is known.

`layout` draws what is there, `render` shows it, `captions` and `questions` speak about it,
`noise` corrupts what was said. `world.draw_sample` makes one sample of all of it.
"""
