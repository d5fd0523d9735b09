// On every page: live figures.
import './figures.ts';
