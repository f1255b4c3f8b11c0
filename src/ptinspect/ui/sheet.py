"""The one style sheet, with the names of tokens in place of colours."""

from __future__ import annotations

SHEET = """
QWidget#bar, QWidget#tabline, QWidget#status { background: @bg; }
QWidget#tabline { border-bottom: 1px solid @border; }
QWidget#status { border-top: 1px solid @border; }
QWidget#banner { background: @surface; border-bottom: 1px solid @border; }
QWidget#page, QScrollArea, QScrollArea > QWidget > QWidget { background: @surface; border: none; }
QWidget#form, QScrollArea#form, QScrollArea#form > QWidget > QWidget#form { background: @bg; border: none; }
QWidget#form QWidget#field { background: @surface; border: 1px solid @border2; border-radius: 6px; }
QWidget#raised { background: @raised; border: 1px solid @border; border-radius: 8px; }
QWidget#trouble { background: @warnbg; border: 1px solid @warnbd; border-radius: 8px; }
QWidget#trouble[tone="danger"] { background: @dangerbg; border: 1px solid @dangerbd; }
QWidget#trouble QPlainTextEdit { background: transparent; margin: 0 12px 8px 12px; }
QFrame#edge { background: @border; border: none; max-width: 1px; min-width: 1px; }
QWidget#card { background: @surface; border: 1px solid @border; border-radius: 8px; }
QWidget#code { background: @raised; border: 1px solid @border; border-radius: 8px; }
QWidget#messages, QWidget#notice[tone="warn"] { background: @warnbg; border-bottom: 1px solid @warnbd; }
QWidget#messages[tone="good"] { background: @goodbg; border-bottom: 1px solid @goodbd; }
QWidget#notice { background: @bg; border-bottom: 1px solid @border; }
QFrame#line { background: @border; border: none; max-height: 1px; min-height: 1px; }
QFrame#hair { background: @hair; border: none; max-height: 1px; min-height: 1px; }
QFrame#upright { background: @border2; border: none; max-width: 1px; min-width: 1px; }
QToolTip { background: @tip; color: @tiptext; border: none; padding: 4px 6px; }
QToolButton, QPushButton { border: 1px solid transparent; border-radius: 6px; padding: 0 9px; min-height: 26px; color: @text;
    background: transparent; }
QToolButton:hover, QPushButton:hover { background: @hover; }
QWidget#bar QToolButton:hover { background: @track; }
QToolButton:pressed, QToolButton:checked { background: @accentbg; }
QToolButton:disabled, QPushButton:disabled { color: @faint; }
QToolButton::menu-indicator { image: none; width: 0; }
QToolButton:focus, QPushButton:focus { border: 2px solid @accent2; }
QPushButton[look="outline"] { background: @surface; border: 1px solid @border2; }
QPushButton[look="outline"]:hover { background: @hover; }
QPushButton[look="primary"] { background: @accent2; color: #FFFFFF; min-height: 30px; padding: 0 12px; }
QPushButton[look="primary"]:hover { background: @accent; }
QPushButton[look="busy"], QPushButton[look="busy"]:hover { background: @accentbg; border: 1px solid @accentbd; color: @accent; }
QPushButton[look="outline"]:focus, QPushButton[look="primary"]:focus { border: 2px solid @accent; }
QPushButton[look="link"] { color: @accent; padding: 0 4px; min-height: 22px; }
QPushButton[look="item"] { text-align: left; border: 1px solid @border; border-radius: 8px; background: @surface; }
QPushButton[look="item"]:hover { background: @hover; }
QTabBar#pages { background: @surface; border-bottom: 1px solid @border; }
QTabBar#pages::tab { background: transparent; color: @muted; border: none; border-bottom: 2px solid transparent; padding: 0 2px;
    margin: 0 9px; height: 33px; }
QTabBar#pages::tab:first { margin-left: 18px; }
QTabBar#pages::tab:selected { color: @text; border-bottom: 2px solid @accent2; }
QTabBar#pages::tab:hover { color: @text; }
QTabBar#pages::tab:focus { color: @accent; }
QTabBar#files { background: transparent; }
QTabBar#files::tab { background: transparent; color: @text2; border: 1px solid transparent; border-top-left-radius: 7px;
    border-top-right-radius: 7px; padding: 0 6px 0 8px; margin: 0 1px; height: 31px; }
QTabBar#files::tab:selected { background: @surface; color: @text; border: 1px solid @border; border-bottom: 1px solid @surface; }
QTabBar#files::tab:hover:!selected { background: @track; }
QToolButton[look="bare"] { padding: 0; }
QTabBar#files::scroller { width: 52px; }
QToolButton#ScrollLeftButton, QToolButton#ScrollRightButton { padding: 0; background: @bg; }
QToolButton[look="closer"] { padding: 0; min-height: 18px; }
QWidget#segments { background: @track; border-radius: 6px; }
QPushButton[look="segment"] { background: transparent; border: 1px solid transparent; border-radius: 5px; min-height: 20px;
    padding: 0 9px; color: @muted; }
QPushButton[look="part"] { background: transparent; border: 1px solid transparent; border-radius: 5px; min-height: 22px; padding: 0 2px;
    color: @muted; }
QPushButton[look="part"]:checked { background: @thumb; border: 1px solid @border2; color: @text; }
QPushButton[look="part"]:hover { color: @text; }
QPushButton[look="part"]:focus { border: 1px solid @accent2; }
QPushButton[look="segment"]:hover { color: @text; }
QPushButton[look="segment"]:checked { background: @thumb; border: 1px solid @border2; color: @text; }
QPushButton[look="segment"]:focus { border: 1px solid @accent2; }
QComboBox { background: @surface; border: 1px solid @border2; border-radius: 6px; min-height: 26px; padding: 0 8px; color: @text; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox QAbstractItemView { background: @surface; border: 1px solid @border; color: @text; selection-background-color: @selrow;
    selection-color: @text; }
QLineEdit { background: @surface; border: 1px solid @border2; border-radius: 6px; padding: 0 8px; min-height: 26px; color: @text;
    selection-background-color: @accent2; selection-color: #FFFFFF; }
QLineEdit:focus { border: 1px solid @accent2; }
QLineEdit:disabled { background: @bg; border: 1px solid @border; color: @faint; }
QTreeView, QListView, QTableView, QPlainTextEdit { background: @surface; border: none; color: @text; outline: none; }
QPlainTextEdit { selection-background-color: @selrow; selection-color: @text; }
QTreeView { selection-background-color: transparent; }
QHeaderView { background: @surface; border: none; }
QHeaderView::section { background: @surface; color: @muted; border: none; border-bottom: 1px solid @border; padding: 0; }
QTableCornerButton::section { background: @surface; border: none; border-bottom: 1px solid @border; }
QSplitter::handle { background: @border; }
QMenu { background: @surface; border: 1px solid @border; border-radius: 8px; padding: 4px; color: @text; }
QMenu::item { padding: 5px 20px 5px 10px; border-radius: 4px; min-width: 150px; }
QMenu::item:selected { background: @selrow; }
QMenu::item:disabled { color: @faint; }
QMenu::separator { height: 1px; background: @border; margin: 4px 6px; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: @border2; border-radius: 3px; min-height: 28px; min-width: 28px; margin: 2px; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page { background: transparent; width: 0; height: 0; }
QProgressBar { background: @inset; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: @accent2; border-radius: 2px; }
QDialog { background: @surface; }
"""
