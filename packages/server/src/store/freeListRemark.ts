export const REMADE_FREE_LIST =
  'the list of free pages of the metadata was wrong, and was made anew; nothing that is stored is';
