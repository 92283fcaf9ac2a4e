// Shows only the vegetarian meals when the box is ticked. The page is complete without this script.
const box = document.querySelector('#vegetarian');
box?.closest('label').removeAttribute('hidden');
box?.addEventListener('change', () => {
  for (const meal of document.querySelectorAll('.meals li')) {
    meal.hidden = box.checked && meal.dataset.vegetarian !== 'true';
  }
});
